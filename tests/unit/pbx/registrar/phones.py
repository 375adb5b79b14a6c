"""Phones that register as real ones do: through the parser, answering real challenges."""

from dataclasses import dataclass, field
from itertools import count

from sqlalchemy import create_engine

from pbx.directory.snapshot import Device, Directory, Group, Strategy, User
from pbx.registrar.authenticator import Account, Authenticator
from pbx.registrar.bindings import Binding, Bindings
from pbx.registrar.contacts import Policy
from pbx.registrar.events import RegistrationEvent
from pbx.registrar.guard import Guard
from pbx.registrar.nonces import Nonces
from pbx.registrar.persistence import Persistence
from pbx.registrar.registrar import Registrar
from pbx.storage.statements import Statement
from pbx.storage.unit import Store
from sip import digest
from sip.message import Request, Response, parse
from sip.transport.base import Address

NOW = 1_800_000_000.0
REALM = "pbx.example"
LOCAL = ("192.0.2.1", 5060)

_serials = count(1)


@dataclass(eq=False)
class FakeFlow:
    """A network path that leads nowhere."""

    transport: str = "UDP"
    remote: Address = ("192.0.2.10", 5060)
    local: Address = LOCAL
    closed: bool = False

    @property
    def reliable(self) -> bool:
        return self.transport != "UDP"

    def send(self, data: bytes) -> None:
        raise AssertionError("the registrar sends nothing")

    def close(self) -> None:
        self.closed = True

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FakeFlow):
            return NotImplemented
        return (self.transport, self.local, self.remote) == (other.transport, other.local, other.remote)

    def __hash__(self) -> int:
        return hash((self.transport, self.local, self.remote))


class FakeWriter:
    """Keeps what would be written: rows by table and key, None for those removed."""

    def __init__(self) -> None:
        self.healthy = True
        self.rows: dict[object, tuple[object, ...] | None] = {}

    def put(self, statement: Statement, parameters: tuple[object, ...]) -> None:
        self.rows[parameters[0]] = parameters if len(parameters) > 1 else None

    def stored_contacts(self) -> list[object]:
        return [row[3] for row in self.rows.values() if row is not None]


def directory(*users: str, **passwords: str) -> Directory:
    """Users by number, each with a phone of that name; further phones as `n101_a1b2="password"`."""
    devices = {number: Device(number, number, "desk", f"secret-{number}") for number in users}
    for name, password in passwords.items():
        number, _, rest = name[1:].partition("_")
        sip_name = f"{number}-{rest}" if rest else number
        devices[sip_name] = Device(sip_name, number, "further", password)
    return Directory(
        1,
        {number: User(number, f"User {number}", "user", None, (), 1) for number in users},
        {"600": Group("600", users, Strategy.ALL, 1)},
        devices,
    )


class Office:
    """A registrar with everything that it needs, on a clock that is set by hand."""

    def __init__(self, people: Directory | None = None, policy: Policy | None = None) -> None:
        self.directory = people or directory("101", "102", n101_a1b2="other")
        self.now = NOW
        self.guard = Guard()
        self.nonces = Nonces(remembered=1024)
        self.bindings = Bindings()
        self.writer = FakeWriter()
        self.events: list[RegistrationEvent] = []
        self.authenticator = Authenticator(
            lambda: self.directory, REALM, self.nonces, self.guard, self.bindings, digest.ALGORITHMS
        )
        self.registrar = Registrar(
            self.authenticator,
            self.bindings,
            Persistence(self.writer, Store(create_engine("sqlite://"))),
            lambda: self.directory,
            REALM,
            self.events.append,
            policy,
        )

    def contacts(self, number: str = "101") -> list[str]:
        return [binding.contact for binding in self.bindings.of(number, self.now)]

    def only(self, number: str = "101") -> Binding:
        (binding,) = self.bindings.of(number, self.now)
        return binding


@dataclass
class Phone:
    """One phone with its credentials; each request is a transaction of its own with a rising CSeq."""

    office: Office
    username: str = "101"
    password: str = ""
    flow: FakeFlow = field(default_factory=FakeFlow)
    algorithm: str = "MD5"
    qop: str = "auth"
    call_id: str = ""
    cseq: int = 0
    signed_uri: str = ""

    def __post_init__(self) -> None:
        device = self.office.directory.device(self.username)
        self.password = self.password or (device.password if device else "guess")
        self.call_id = self.call_id or f"call-{next(_serials)}@phone"

    def request(
        self,
        contact: str | None = None,
        *headers: str,
        method: str = "REGISTER",
        uri: str = f"sip:{REALM}",
        to: str = "",
    ) -> Request:
        """A request as it arrives; `headers` are further rows."""
        self.cseq += 1
        address = f"<sip:{self.username}@{REALM}>"
        rows = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/{self.flow.transport} 192.0.2.10;branch=z9hG4bK{next(_serials)}",
            f"From: {address};tag=t1",
            f"To: {to or address}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {self.cseq} {method}",
            "Max-Forwards: 70",
            *([] if contact is None else [f"Contact: {contact}"]),
            *headers,
        ]
        message = parse("\r\n".join([*rows, "", ""]).encode("latin-1"))
        assert isinstance(message, Request)
        return message

    def sign(self, request: Request, challenged: Response, nc: str = "00000001") -> Request:
        """Adds the answer to a challenge, for the first one of the phone's algorithm."""
        name = "Proxy-Authenticate" if challenged.status == 407 else "WWW-Authenticate"
        offers = [digest.parse_challenge(row) for row in challenged.rows(name)]
        offer = next(each for each in offers if each is not None and each.algorithm == self.algorithm)
        uri = self.signed_uri or request.uri
        secret = digest.ha1(self.algorithm, self.username, offer.realm, self.password)
        asked = digest.ha2(self.algorithm, request.method, uri)
        qop, nc, cnonce = (self.qop, nc, "c0ffee") if self.qop else ("", "", "")
        answer = digest.response(self.algorithm, secret, offer.nonce, asked, qop=qop, nc=nc, cnonce=cnonce)
        credentials = digest.Credentials(
            self.username, offer.realm, offer.nonce, uri, answer, self.algorithm, qop, nc, cnonce
        )
        name = "Proxy-Authorization" if challenged.status == 407 else "Authorization"
        request.set(name, digest.format_credentials(credentials))
        return request

    def check(self, request: Request, *, proxy: bool = False) -> Account | Response:
        return self.office.authenticator.check(request, self.flow.remote, self.office.now, proxy=proxy)

    def send(self, request: Request) -> Response:
        return self.office.registrar.register(request, self.flow, self.office.now)

    def challenge(self, *, proxy: bool = False) -> Response:
        """A challenge made for this phone's address."""
        answer = self.check(self.request(), proxy=proxy)
        assert isinstance(answer, Response)
        return answer

    def register(self, contact: str | None = "<sip:101@192.0.2.10>", *headers: str, to: str = "") -> Response:
        """REGISTER with good credentials; `contact` None asks what is registered."""
        challenge = self.challenge()
        return self.send(self.sign(self.request(contact, *headers, to=to), challenge))

    def guess(self, password: str) -> Response:
        """One attempt with another password."""
        mine, self.password = self.password, password
        answer = self.register()
        self.password = mine
        return answer
