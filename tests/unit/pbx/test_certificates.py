"""The local authority and the server's certificate: made, kept, renewed, and accepted by a TLS client."""

import socket
import ssl
import stat
import threading
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509

from pbx.certificates import (
    AUTHORITY_DAYS,
    SERVER_DAYS,
    CertificateError,
    Files,
    Identity,
    ensure,
    problem,
    read_certificate,
    server_identity,
)

NOW = datetime(2026, 12, 1, 19, 30, tzinfo=UTC)
DAY = timedelta(days=1)
OFFICE = Identity.of(("pbx.example.com", "localhost", "10.0.0.7"), [ip_address("127.0.0.1"), ip_address("fd00::7")])


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(*(tmp_path / name for name in ("ca.pem", "ca.key", "server.pem", "server.key")))


def contents(files: Files) -> list[bytes]:
    return [path.read_bytes() for path in (files.authority, files.authority_key, files.certificate, files.private_key)]


def test_first_time_makes_authority_and_certificate(files: Files) -> None:
    renewal = ensure(files, OFFICE, NOW)
    assert (renewal.authority, renewal.certificate) == ("there was none", "there was none")
    authority, certificate = read_certificate(files.authority), read_certificate(files.certificate)
    assert authority.not_valid_after_utc == NOW + AUTHORITY_DAYS * DAY
    assert certificate.not_valid_after_utc == NOW + SERVER_DAYS * DAY
    certificate.verify_directly_issued_by(authority)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["pbx.example.com", "localhost"]
    assert sorted(map(str, names.get_values_for_type(x509.IPAddress))) == ["10.0.0.7", "127.0.0.1", "fd00::7"]
    constraints = authority.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (constraints.critical, constraints.value.ca, constraints.value.path_length) == (True, True, 0)


def test_keys_are_for_their_owner_alone_and_no_draft_is_left(files: Files) -> None:
    ensure(files, OFFICE, NOW)
    for key in (files.authority_key, files.private_key):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert sorted(path.name for path in files.authority.parent.iterdir()) == [
        "ca.key", "ca.pem", "server.key", "server.pem",
    ]  # fmt: skip


def test_second_time_changes_nothing(files: Files) -> None:
    ensure(files, OFFICE, NOW)
    before = contents(files)
    renewal = ensure(files, OFFICE, NOW + 300 * DAY)
    assert (renewal.authority, renewal.certificate) == (None, None)
    assert contents(files) == before


@pytest.mark.parametrize(
    ("identity", "later", "reason"),
    [
        (Identity.of(("new.example.com", "localhost"), ()), 1, "the old one is not for new.example.com"),
        (Identity.of(("localhost",), [ip_address("10.0.0.8")]), 1, "the old one is not for 10.0.0.8"),
        (OFFICE, SERVER_DAYS - 29, "the old one ends on 2028-01-02"),
        (OFFICE, SERVER_DAYS + 100, "the old one ends on 2028-01-02"),
    ],
)
def test_certificate_is_renewed_by_the_same_authority(
    files: Files, identity: Identity, later: int, reason: str
) -> None:
    ensure(files, OFFICE, NOW)
    authority, old = files.authority.read_bytes(), files.certificate.read_bytes()
    renewal = ensure(files, identity, NOW + later * DAY)
    assert (renewal.authority, renewal.certificate) == (None, reason)
    assert files.authority.read_bytes() == authority
    assert files.certificate.read_bytes() != old
    assert ensure(files, identity, NOW + later * DAY).certificate is None


def test_address_that_went_away_is_no_reason_for_a_new_certificate(files: Files) -> None:
    ensure(files, OFFICE, NOW)
    assert ensure(files, Identity.of(("pbx.example.com",), ()), NOW).certificate is None


def test_authority_that_ends_is_replaced_with_everything_that_it_signed(files: Files) -> None:
    ensure(files, OFFICE, NOW)
    renewal = ensure(files, OFFICE, NOW + (AUTHORITY_DAYS - 20) * DAY)
    assert renewal.authority == "the old one ends on 2036-11-28"
    assert renewal.certificate == "the old one is of another authority"
    read_certificate(files.certificate).verify_directly_issued_by(read_certificate(files.authority))


def test_certificate_never_outlives_its_authority(files: Files) -> None:
    ensure(files, OFFICE, NOW)
    ensure(files, OFFICE, NOW + (AUTHORITY_DAYS - 100) * DAY)
    authority, certificate = read_certificate(files.authority), read_certificate(files.certificate)
    assert certificate.not_valid_after_utc == authority.not_valid_after_utc


def test_stop_between_key_and_certificate_is_mended(files: Files, tmp_path: Path) -> None:
    ensure(files, OFFICE, NOW)
    other = Files(files.authority, files.authority_key, tmp_path / "other.pem", tmp_path / "other.key")
    ensure(other, OFFICE, NOW)
    other.private_key.rename(files.private_key)
    assert ensure(files, OFFICE, NOW).certificate == "the old one has another key"
    assert problem(files.certificate, files.private_key, ["pbx.example.com"], NOW) is None


@pytest.mark.parametrize("lost", ["authority", "authority_key"])
def test_half_an_authority_is_not_replaced_behind_the_admins_back(files: Files, lost: str) -> None:
    ensure(files, OFFICE, NOW)
    path: Path = getattr(files, lost)
    path.unlink()
    with pytest.raises(CertificateError, match=rf"is there but .*{path.name} is not: restore it"):
        ensure(files, OFFICE, NOW)
    assert not path.exists()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("authority", "is no certificate in PEM form"),
        ("authority_key", "is no private key in PEM form"),
        ("certificate", "is no certificate in PEM form"),
        ("private_key", "is no private key in PEM form"),
    ],
)
def test_damaged_file_is_an_error_that_names_it(files: Files, name: str, words: str) -> None:
    ensure(files, OFFICE, NOW)
    path: Path = getattr(files, name)
    path.write_text("damaged")
    with pytest.raises(CertificateError, match=f"{path.name} {words}"):
        ensure(files, OFFICE, NOW)


def test_folder_that_is_missing_is_an_error_in_words(tmp_path: Path) -> None:
    files = Files(*(tmp_path / "missing" / name for name in ("ca.pem", "ca.key", "server.pem", "server.key")))
    with pytest.raises(CertificateError, match=r"cannot write .*No such file"):
        ensure(files, OFFICE, NOW)


def test_another_authoritys_key_is_refused(files: Files, tmp_path: Path) -> None:
    ensure(files, OFFICE, NOW)
    other = Files(*(tmp_path / f"other-{name}" for name in ("ca.pem", "ca.key", "server.pem", "server.key")))
    ensure(other, OFFICE, NOW)
    other.authority_key.rename(files.authority_key)
    with pytest.raises(CertificateError, match="is not the key of"):
        ensure(files, OFFICE, NOW)


@pytest.mark.parametrize(
    ("names", "at", "words"),
    [
        (["pbx.example.com"], NOW, None),
        (["PBX.example.com", "10.0.0.7", "fd00::7"], NOW, None),
        (["phone.example.com"], NOW, "it is not for phone.example.com"),
        (["10.0.0.8"], NOW, "it is not for 10.0.0.8"),
        (["pbx.example.com"], NOW + 500 * DAY, "it ended on 2028-01-02"),
        (["pbx.example.com"], NOW - 5 * DAY, "it begins on 2026-11-30 only"),
    ],
)
def test_problem_says_why_a_phone_would_refuse(files: Files, names: list[str], at: datetime, words: str | None) -> None:
    ensure(files, OFFICE, NOW)
    assert problem(files.certificate, files.private_key, names, at) == words


def test_wildcard_stands_for_one_label(files: Files) -> None:
    ensure(files, Identity.of(("*.example.com",), ()), NOW)
    assert problem(files.certificate, files.private_key, ["pbx.example.com"], NOW) is None
    assert (
        problem(files.certificate, files.private_key, ["a.pbx.example.com"], NOW) == "it is not for a.pbx.example.com"
    )
    assert problem(files.certificate, files.private_key, ["example.com"], NOW) == "it is not for example.com"


def test_identity_of_a_server_has_its_domain_name_and_addresses() -> None:
    identity = server_identity("10.0.0.9", [ip_address("::1")])
    assert "localhost" in identity.names
    assert socket.gethostname().lower() in identity.names
    assert identity.addresses == (ip_address("10.0.0.9"), ip_address("::1"))


@pytest.mark.parametrize("name", ["pbx.example.com", "localhost", "10.0.0.7", "fd00::7"])
def test_client_that_trusts_the_authority_accepts_the_server_by_each_of_its_names(files: Files, name: str) -> None:
    ensure(files, OFFICE, datetime.now(UTC))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(files.certificate, files.private_key)
    client = ssl.create_default_context(cafile=files.authority)
    client.verify_flags |= ssl.VERIFY_X509_STRICT  # the default from Python 3.13 on

    near, far = socket.socketpair()
    with near, far:
        answering = threading.Thread(target=lambda: server.wrap_socket(far, server_side=True).close())
        answering.start()
        with client.wrap_socket(near, server_hostname=name) as link:
            assert link.getpeercert()
        answering.join()
