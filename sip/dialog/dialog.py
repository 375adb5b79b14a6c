"""The state of one dialog and the requests that may be sent within it (RFC 3261 §12)."""

from typing import Any, Final, Self

from sip.errors import DialogError, ParseError
from sip.fields import CSeq, NameAddr
from sip.identifiers import token
from sip.message import Request, Response
from sip.uri import SipUri

MAX_ROUTES: Final = 32

_STORED: Final = (
    "call_id",
    "contact",
    "local",
    "local_cseq",
    "local_tag",
    "remote",
    "remote_cseq",
    "remote_tag",
    "routes",
    "target",
)


class Dialog:
    """One dialog, seen from our side.

    `local` and `remote` are the addresses of From and To without tags, as they stand in headers; `target` is the
    URI to send requests to (the peer's Contact); `routes` are name-addrs, the first hop first; `contact` is our
    own Contact. `remote_cseq` is -1 until the peer has sent a request.
    """

    __slots__ = _STORED

    def __init__(self, call_id: str, local_tag: str, local: str, remote: str, contact: str) -> None:
        self.call_id = call_id
        self.local_tag = local_tag
        self.remote_tag = ""
        self.local = local
        self.remote = remote
        self.contact = contact
        self.target = ""
        self.routes: list[str] = []
        self.local_cseq = 0
        self.remote_cseq = -1

    @classmethod
    def of_request(cls, request: Request, contact: str) -> Self:
        """As the server of a request that creates a dialog (§12.1.1).

        Raises ParseError when its Contact is missing or no SIP URI, or its Record-Route malformed.
        """
        dialog = cls(request.call_id, token(), _without_tag(request.headers["To"][0]), "", contact)
        dialog.remote = _without_tag(request.headers["From"][0])
        dialog.remote_tag = request.from_tag
        if "Record-Route" in request.headers:
            dialog.routes = _routes_of(request)
        dialog.target = _contact_of(request)
        dialog.remote_cseq = request.cseq.number if request.cseq else 0
        return dialog

    def answered_by(self, response: Response) -> Self:
        """As the client, the dialog of a response with a To tag; a forked request has one for each (§12.1.2).

        Raises ParseError when Contact or Record-Route is malformed; a provisional response may lack the Contact, and
        leaves the target where the request went.
        """
        dialog = type(self)(self.call_id, self.local_tag, self.local, self.remote, self.contact)
        dialog.remote_tag = response.to_tag
        dialog.target = self.target
        dialog.local_cseq = self.local_cseq
        if "Record-Route" in response.headers:
            dialog.routes = _routes_of(response)[::-1]
        if "Contact" in response.headers or response.status >= 200:
            dialog.target = _contact_of(response)
        return dialog

    def request(self, method: str, body: bytes = b"", content_type: str = "application/sdp") -> Request:
        """A new request within the dialog (§12.2.1.1); the Via is added by the endpoint."""
        if method != "ACK":
            self.local_cseq += 1
        return self._make(method, self.local_cseq, body, content_type)

    def ack(self, cseq: int, body: bytes = b"") -> Request:
        """The ACK of the 2xx to our INVITE with this CSeq number (§13.2.2.4)."""
        return self._make("ACK", cseq, body, "application/sdp")

    def _make(self, method: str, cseq: int, body: bytes, content_type: str) -> Request:
        uri = self.target
        headers: dict[str, list[str]] = {"Max-Forwards": ["70"]}
        if self.routes:
            routes = self.routes
            first = NameAddr.parse(routes[0])
            if "lr" not in first.sip_uri().params:
                # A strict router (§12.2.1.1) finds itself in the Request-URI and the target behind the others.
                uri, routes = first.uri, [*routes[1:], f"<{self.target}>"]
            if routes:
                headers["Route"] = list(routes)
        headers["From"] = [f"{self.local};tag={self.local_tag}"]
        headers["To"] = [f"{self.remote};tag={self.remote_tag}" if self.remote_tag else self.remote]
        headers["Call-ID"] = [self.call_id]
        headers["CSeq"] = [f"{cseq} {method}"]
        if method not in ("BYE", "ACK", "INFO", "PRACK", "MESSAGE"):
            headers["Contact"] = [self.contact]
        request = Request(method, uri, headers, body)
        if body:
            headers["Content-Type"] = [content_type]
        request.call_id, request.from_tag, request.to_tag = self.call_id, self.local_tag, self.remote_tag
        request.cseq = CSeq(cseq, method)
        return request

    def next_hop(self) -> SipUri:
        """Where requests of this dialog go first: the first route, or the target. Raises ParseError."""
        if self.routes:
            return NameAddr.parse(self.routes[0]).sip_uri()
        return SipUri.parse(self.target)

    def check(self, request: Request) -> None:
        """Takes note of a request from the peer within the dialog (§12.2.2).

        Raises DialogError(500) when it comes out of order.
        """
        number = request.cseq.number if request.cseq else 0
        if request.method == "ACK":
            return
        if number < self.remote_cseq or (number == self.remote_cseq and request.method != "CANCEL"):
            raise DialogError(500, "CSeq Out of Order", retry_after=1)
        self.remote_cseq = number

    def refresh_target(self, message: Request | Response) -> bool:
        """Takes over the Contact of a target refresh (§12.2.1.2, §12.2.2); True when it changed.

        Raises ParseError.
        """
        if "Contact" not in message.headers:
            return False
        target = _contact_of(message)
        changed = target != self.target
        self.target = target
        return changed

    def to_dict(self) -> dict[str, Any]:
        """For storage; `from_dict` reads it."""
        return {name: getattr(self, name) for name in _STORED}

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Self:
        dialog = cls("", "", "", "", "")
        for name in _STORED:
            setattr(dialog, name, stored[name])
        return dialog


def _without_tag(value: str) -> str:
    """A From or To value for later headers: the address, other parameters and the tag left out."""
    if value.startswith("<") and '"' not in value:
        return value[: value.index(">") + 1]
    address = NameAddr.parse(value)
    return str(NameAddr(address.uri, address.display))


def _routes_of(message: Request | Response) -> list[str]:
    """Record-Route in the order of its rows (§12.1). Raises ParseError."""
    routes = message.addresses("Record-Route")
    if len(routes) > MAX_ROUTES:
        raise ParseError("too many routes")
    for route in routes:
        route.sip_uri()
    return [str(route) for route in routes]


def _contact_of(message: Request | Response) -> str:
    """The URI of the one Contact that a dialog needs (§8.1.1.8). Raises ParseError."""
    rows = message.rows("Contact")
    if not rows:
        raise ParseError("no Contact")
    row = rows[0]
    if row.startswith("<") and row.find(">") == len(row) - 1 and "," not in row:
        uri = row[1:-1]
    else:
        contacts = message.addresses("Contact")
        if len(contacts) != 1:
            raise ParseError("more than one Contact")
        uri = contacts[0].uri
    SipUri.parse(uri)
    return uri
