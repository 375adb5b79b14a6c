"""Defaults, file and environment become settings; whatever is wrong is named with what is allowed."""

import socket
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from config.data import DataFolder
from config.errors import ConfigError, FileError, SettingError
from config.kinds import Address
from config.loader import load_settings
from config.settings import Settings


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    folder = DataFolder(tmp_path / "data")
    folder.create()
    return folder


def load(data: DataFolder, toml: str = "", **environ: str) -> Settings:
    data.config_file.write_text(toml, encoding="utf-8")
    return load_settings(data, environ={f"GORIZONT_{name}": text for name, text in environ.items()})


def refusal(data: DataFolder, toml: str = "", **environ: str) -> str:
    """The message of the error, which is one line."""
    with pytest.raises(ConfigError) as caught:
        load(data, toml, **environ)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_without_file_and_environment_the_defaults_hold(data: DataFolder) -> None:
    settings = load_settings(data, environ={})
    assert settings.sip.udp == (Address("0.0.0.0", 5060), Address("::", 5060))
    assert settings.sip.ws == (Address("127.0.0.1", 5066), Address("::1", 5066))
    assert settings.sip.domain == socket.gethostname().lower()
    assert (settings.sip.certificate, settings.sip.private_key) == (data.certificate, data.private_key)
    assert settings.calls.time_zone is None
    assert settings.database.url == f"sqlite:///{data.root}/gorizont.db"
    assert settings.bus.socket == data.engine_socket


def test_file_wins_over_defaults_and_environment_over_the_file(data: DataFolder) -> None:
    toml = '[sip]\nexpires_min = 30\nexpires_max = 7200\n[log]\nlevel = "debug"\n'
    settings = load(data, toml, SIP__EXPIRES_MIN="45")
    assert (settings.sip.expires_min, settings.sip.expires_max) == (45, 7200)
    assert settings.sip.expires_default == 3600
    assert settings.log.level == "debug"


def test_named_file_is_read_instead_of_the_data_folders(data: DataFolder, tmp_path: Path) -> None:
    data.config_file.write_text("[calls]\nring_seconds = 5\n")
    other = tmp_path / "other.toml"
    other.write_text("[calls]\nmax_calls = 9\n")
    settings = load_settings(data, other, environ={})
    assert (settings.calls.ring_seconds, settings.calls.max_calls) == (20, 9)


def test_variables_that_are_no_settings_are_left_alone(data: DataFolder) -> None:
    assert load(data, DATA="/somewhere", CONFIG="/else").calls.ring_seconds == 20


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("127.0.0.1:5060", [("127.0.0.1", 5060)]),
        ('["127.0.0.1:5060"]', [("127.0.0.1", 5060)]),
        ('["127.0.0.1:5060", "[::1]:5060"]', [("127.0.0.1", 5060), ("::1", 5060)]),
        ("127.0.0.1:5060,[::1]:5060", [("127.0.0.1", 5060), ("::1", 5060)]),
        ("[::1]:5060", [("::1", 5060)]),
        ("[0:0::1]:5060 , 127.0.0.1:0", [("::1", 5060), ("127.0.0.1", 0)]),
        ("", []),
        ("[]", []),
        ('[""]', None),
        ('""', []),
    ],
)
def test_addresses_in_the_environment(data: DataFolder, text: str, addresses: list[tuple[str, int]] | None) -> None:
    if addresses is None:
        assert "is no address with a port" in refusal(data, SIP__UDP=text)
    else:
        assert load(data, SIP__UDP=text).sip.udp == tuple(Address(*address) for address in addresses)


@pytest.mark.parametrize(
    ("toml", "addresses"),
    [
        ('"10.0.0.1:5060"', [("10.0.0.1", 5060)]),
        ('["10.0.0.1:5060", "[fe80::1]:5060"]', [("10.0.0.1", 5060), ("fe80::1", 5060)]),
        ('""', []),
        ("[]", []),
    ],
)
def test_addresses_in_the_file(data: DataFolder, toml: str, addresses: list[tuple[str, int]]) -> None:
    settings = load(data, f"[sip]\ntls = {toml}\n")
    assert settings.sip.tls == tuple(Address(*address) for address in addresses)


@pytest.mark.parametrize(
    ("toml", "networks"),
    [
        ('""', []),
        ("[]", []),
        ('"10.0.0.7"', ["10.0.0.7/32"]),
        ('["10.0.0.0/24", "2001:db8::5", "10.0.0.0/24"]', ["10.0.0.0/24", "2001:db8::5/128"]),
    ],
)
def test_proxies_are_addresses_and_networks(data: DataFolder, toml: str, networks: list[str]) -> None:
    settings = load(data, f"[web]\ntrusted_proxies = {toml}\n")
    assert [str(network) for network in settings.web.trusted_proxies] == networks


def test_proxies_in_the_environment(data: DataFolder) -> None:
    settings = load(data, WEB__TRUSTED_PROXIES="10.0.0.7, fd00::/8")
    assert [str(network) for network in settings.web.trusted_proxies] == ["10.0.0.7/32", "fd00::/8"]
    assert load(data, WEB__TRUSTED_PROXIES="").web.trusted_proxies == ()


@pytest.mark.parametrize("toml", ['"proxy.example"', '["10.0.0.7/8"]', '"0.0.0.0/0"', "7", "true", "[7]"])
def test_proxy_that_is_none_is_named_with_what_is_allowed(data: DataFolder, toml: str) -> None:
    message = refusal(data, f"[web]\ntrusted_proxies = {toml}\n")
    assert message.startswith("[web] trusted_proxies = ")
    assert 'expected an IP address or a network like "10.0.0.7" or "10.0.0.0/24"' in message


def test_host_name_stands_for_its_addresses(data: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        assert host == "pbx.test"
        return [(0, 0, 0, "", (address, port)) for address in ("10.0.0.9", "fd00::9", "10.0.0.9")]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert load(data, SIP__UDP="pbx.test:5060").sip.udp == (Address("10.0.0.9", 5060), Address("fd00::9", 5060))


def test_address_is_written_as_it_is_read() -> None:
    assert [str(Address("::1", 5060)), str(Address("10.0.0.1", 5061))] == ["[::1]:5060", "10.0.0.1:5061"]


def test_relative_path_counts_from_the_file_that_names_it(data: DataFolder, tmp_path: Path) -> None:
    settings = load(data, '[sip]\ncertificate = "own.pem"\nprivate_key = "/etc/own.key"\n')
    assert settings.sip.certificate == data.root / "own.pem"
    assert settings.sip.private_key == Path("/etc/own.key")


def test_values_of_every_kind_are_read(data: DataFolder) -> None:
    settings = load(
        data,
        SIP__DOMAIN="PBX.Example.COM.",
        SIP__T1="0.25",
        CALLS__TIME_ZONE="Europe/Moscow",
        DATABASE__URL="postgresql://gorizont:s3cret@db/gorizont",
        BUS__URL="unix:/run/gorizont.sock",
    )
    assert settings.sip.domain == "pbx.example.com"
    assert settings.sip.t1 == 0.25
    assert settings.calls.time_zone == ZoneInfo("Europe/Moscow")
    assert settings.database.url == "postgresql://gorizont:s3cret@db/gorizont"
    assert settings.bus.socket == Path("/run/gorizont.sock")


def test_settings_do_not_show_the_database_password(data: DataFolder) -> None:
    assert "s3cret" not in repr(load(data, DATABASE__URL="postgresql://gorizont:s3cret@db/gorizont"))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("SIP__EXPIRES_MIN", "soon", '[sip] expires_min = "soon" from environment variable '
         "GORIZONT_SIP__EXPIRES_MIN: expected a whole number from 1 to 86400 seconds"),
        ("SIP__EXPIRES_MIN", "0", "expires_min = 0 from"),
        ("SIP__EXPIRES_MIN", "60.5", 'expires_min = "60.5" from'),
        ("SIP__T1", "fast", "expected a number from 0.01 to 10 seconds"),
        ("SIP__T1", "11", "[sip] t1 = 11.0 from"),
        ("SIP__UDP", "5060", "'5060' is no address with a port"),
        ("SIP__UDP", "1.2.3.4:99999", "'1.2.3.4:99999' is no address with a port"),
        ("SIP__UDP", "::1:5060", "'::1:5060' is no address with a port"),
        ("SIP__UDP", "[1.2.3.4]:5060", "1.2.3.4"),
        ("SIP__UDP", "10.0.0.1:5060,10.0.0.1:5060", "an address stands in it twice"),
        ("SIP__UDP", "[5060]", 'expected "ADDRESS:PORT"'),
        ("SIP__UDP", 64 * "x" + ":5060", "xxx is not known as a host name"),
        ("SIP__DOMAIN", "a_b", 'expected a host name like "pbx.example.com" or an IP address'),
        ("SIP__DOMAIN", "-a.example", "[sip] domain"),
        ("LOG__LEVEL", "loud", 'expected one of "debug", "info", "warning", "error"'),
        ("CALLS__TIME_ZONE", "Mars/Olympus", "this machine knows no such zone"),
        ("CALLS__TIME_ZONE", "/etc/passwd", "[calls] time_zone"),
        ("DATABASE__URL", "mysql://a:topsecret@b/c", "mysql://a:***@b/c"),
        ("DATABASE__URL", "sqlite:///relative.db", "an absolute path"),
        ("DATABASE__URL", "sqlite://", "an absolute path"),
        ("DATABASE__URL", "postgresql://host", 'expected "sqlite:////ABSOLUTE/PATH.db" or "postgresql://'),
        ("BUS__URL", "redis://localhost", 'expected "unix:/ABSOLUTE/PATH"'),
        ("BUS__URL", "unix:/" + 107 * "x", "the path has 108 octets"),
        ("SIP__CERTIFICATE", "/etc/own.pem", "[sip] private_key is empty: a certificate and its key"),
        ("SIP__PRIVATE_KEY", "/etc/own.key", "[sip] certificate is empty: a certificate and its key"),
        ("SIP__EXPIRES_MIN", "3601", "more than expires_default = 3600 from the defaults"),
        ("SIP__EXPIRES_MAX", "3599", "expires_default = 3600 from the defaults is more than expires_max"),
        ("SIP__SESSION_MIN_SE", "1801", "more than session_expires = 1800"),
    ],
)  # fmt: skip
def test_bad_value_is_refused_in_words(data: DataFolder, name: str, text: str, message: str) -> None:
    said = refusal(data, **{name: text})
    assert message in said
    assert "topsecret" not in said


def test_database_password_with_marks_in_it_is_not_shown(data: DataFolder) -> None:
    assert "a:b@c" not in refusal(data, DATABASE__URL="postgres://user:a:b@c@host/name")


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("[sip]\nudp = 5060\n", "[sip] udp = 5060 from {file}: expected"),
        ("[sip]\nudp = [5060]\n", "5060 is no address with a port"),
        ("[sip]\nudp = false\n", "[sip] udp = False"),
        ("[sip]\nexpires_min = true\n", "[sip] expires_min = True from {file}: expected a whole number"),
        ('[sip]\nexpires_min = "60"\n', '[sip] expires_min = "60" from {file}'),
        ("[sip]\ndomain = 5\n", "[sip] domain = 5"),
        ("[sip]\nt1 = true\n", "[sip] t1 = True"),
        ("[database]\nurl = 5\n", "[database] url = 5"),
        ("[sip]\nupd = 5060\n", 'unknown key [sip] upd in {file}: did you mean "udp"? The known keys are'),
        ("[sip]\nxyzzy = 1\n", "unknown key [sip] xyzzy in {file}: The known keys are domain, udp"),
        ("[sipp]\nudp = 1\n", 'unknown section [sipp] in {file}: did you mean "sip"? The known sections'),
        ("[sipp]\n", 'unknown section [sipp] in {file}: did you mean "sip"?'),
        ("udp = 1\n", "udp in {file} stands outside of a section like [sip]"),
        ("[sip\n", "the configuration {file} is not valid TOML: "),
    ],
)
def test_bad_file_is_refused_in_words(data: DataFolder, toml: str, message: str) -> None:
    assert message.format(file=data.config_file) in refusal(data, toml)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("SIP__UPD", 'unknown key [sip] upd in environment variable GORIZONT_SIP__UPD: did you mean "udp"?'),
        ("SPI__UDP", 'unknown section [spi] in environment variable GORIZONT_SPI__UDP: did you mean "sip"?'),
        ("SIP__", "unknown key [sip]  in environment variable GORIZONT_SIP__"),
    ],
)
def test_unknown_variable_is_refused_with_the_nearest(data: DataFolder, name: str, message: str) -> None:
    assert message in refusal(data, **{name: "1"})


def test_machine_name_that_is_no_domain_is_refused(data: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "my_pc")
    assert '[sip] domain = "my_pc" from the name of this machine' in refusal(data)


def test_data_folder_too_deep_for_a_socket_is_refused(tmp_path: Path) -> None:
    deep = DataFolder(tmp_path / ("x" * 110))
    with pytest.raises(SettingError, match=r"\[bus\] url = .* from the data folder: .* octets"):
        load_settings(deep, environ={})


def test_missing_named_file_is_refused(data: DataFolder, tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"cannot read the configuration .*none.toml: No such file"):
        load_settings(data, tmp_path / "none.toml", environ={})


def test_file_that_is_no_utf8_is_refused(data: DataFolder) -> None:
    data.config_file.write_bytes(b'[sip]\ndomain = "\xff"\n')
    with pytest.raises(FileError, match="is not UTF-8 text: octet 16"):
        load_settings(data, environ={})
