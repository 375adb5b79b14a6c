"""Linphone fetches its account from an address that is good once, for a few minutes, for whoever has it."""

from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest

from pbx.directory.devices import remove_device
from pbx.directory.users import set_user
from tests.unit.web.office import Person, WebOffice, error_of
from web.provisioning import NAMESPACE, Tickets, fetch_address

ENTRY = "{http://www.linphone.org/xsds/lpconfig.xsd}"


def read(document: bytes) -> dict[str, dict[str, str]]:
    """The sections of a configuration, each with its keys."""
    root = ET.fromstring(document)
    assert root.tag == f"{{{NAMESPACE}}}config"
    sections = {}
    for section in root:
        assert all(entry.get("overwrite") == "true" for entry in section)
        sections[str(section.get("name"))] = {str(entry.get("name")): entry.text or "" for entry in section}
    return sections


def made(person: Person) -> tuple[dict[str, str], str]:
    """A new account, and the path from which Linphone fetches it."""
    account = person.post("/me/devices", label="mobile").json
    url = urlsplit(account["linphone"]["url"])
    assert (url.scheme, url.netloc) == ("https", "office.test:8443")
    return account, url.path


def test_account_is_fetched_without_signing_in(boris: Person, nobody: Person) -> None:
    account, path = made(boris)
    answer = nobody.get(path)
    assert (answer.status_code, answer.mimetype) == (200, "application/xml")
    assert answer.headers["Cache-Control"] == "no-store"
    config = read(answer.data)
    assert config["auth_info_0"]["username"] == account["sip_name"]
    assert config["auth_info_0"]["passwd"] == account["sip_password"]
    proxy = config["proxy_0"]
    assert proxy["reg_identity"] == f'"Boris Petrov" <sip:{account["sip_name"]}@{account["domain"]}>'
    assert ";transport=tcp" in proxy["reg_proxy"]
    assert proxy["reg_sendregister"] == "1"
    assert config["misc"]["transient_provisioning"] == "1"


def test_address_is_good_once(boris: Person, nobody: Person) -> None:
    _, path = made(boris)
    assert nobody.request("HEAD", path).status_code == 204
    assert nobody.get(path).status_code == 200
    assert error_of(nobody.get(path)) == (404, "not-found")


def test_address_is_good_for_ten_minutes(office: WebOffice, boris: Person, nobody: Person) -> None:
    account, path = made(boris)
    _, another = made(boris)
    until = account["linphone"]["until"]  # type: ignore[index]
    assert until == "2026-12-01T16:40:00.000Z"
    office.clock.wait(minutes=9, seconds=59)
    assert nobody.get(path).status_code == 200
    office.clock.wait(seconds=1)
    assert nobody.get(another).status_code == 404


def test_address_ends_with_its_account(office: WebOffice, boris: Person, nobody: Person) -> None:
    account, path = made(boris)
    office.do(remove_device, account["sip_name"])
    assert nobody.get(path).status_code == 404


def test_made_up_address_is_good_for_nothing(nobody: Person) -> None:
    assert error_of(nobody.get("/provisioning/" + "x" * 43)) == (404, "not-found")


def test_name_with_signs_of_markup_and_headers_stays_a_name(office: WebOffice, boris: Person, nobody: Person) -> None:
    office.elsewhere(set_user, "102", box=office.box, name='Boris "Bob" <b>&\\')
    _, path = made(boris)
    assert read(nobody.get(path).data)["proxy_0"]["reg_identity"].startswith('"Boris Bob <b>&" <sip:102-')


def test_new_user_of_an_admin_gets_one_too(anna: Person, nobody: Person) -> None:
    account = anna.post("/admin/users", number="115", name="Olga").json
    config = read(nobody.get(urlsplit(account["linphone"]["url"]).path).data)
    assert config["auth_info_0"]["passwd"] == account["sip_password"]


def test_tickets_are_bounded(office: WebOffice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.provisioning.MOST", 3)
    tickets = Tickets(office.clock)
    tokens = [tickets.issue(f"102-{index}")[0] for index in range(4)]
    assert [tickets.take(token) for token in tokens] == [None, "102-1", "102-2", "102-3"]


@pytest.mark.parametrize(
    ("host", "begins"),
    [
        ("pbx.example:8443", "https://pbx.example:8443/api/v1/provisioning/"),
        ("pbx.example", "https://pbx.example/api/v1/provisioning/"),
        ("[2001:db8::7]:8443", "https://[2001:db8::7]:8443/api/v1/provisioning/"),
        ("[2001:db8::7]", "https://[2001:db8::7]/api/v1/provisioning/"),
        ("localhost:8443", "https://10.0.0.2:8443/api/v1/provisioning/"),
        ("127.0.0.1:8443", "https://10.0.0.2:8443/api/v1/provisioning/"),
        ("[::1]:8443", "https://10.0.0.2:8443/api/v1/provisioning/"),
    ],
)
def test_address_leads_a_phone_to_us_too(monkeypatch: pytest.MonkeyPatch, host: str, begins: str) -> None:
    from ipaddress import ip_address

    addresses = [ip_address("127.0.0.1"), ip_address("10.0.0.2"), ip_address("::1")]
    monkeypatch.setattr("web.provisioning.local_addresses", lambda: addresses)
    assert fetch_address(host, "x") == begins + "x"
