"""SIP messages for tests: whole octets from a start line and rows, without the writer that is under test."""

from collections.abc import Iterable

BRANCH = "z9hG4bK776asdhds"
SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"


def raw(start_line: str, rows: Iterable[str], body: bytes = b"") -> bytes:
    """A message exactly as written here; str is latin-1."""
    return "\r\n".join([start_line, *rows, "", ""]).encode("latin-1") + body


def request_rows(
    method: str,
    *,
    via: str = f"SIP/2.0/UDP 192.0.2.1:5060;branch={BRANCH};rport",
    from_: str = "<sip:101@example.org>;tag=one",
    to: str = "<sip:102@example.org>",
    call_id: str = "a84b4c76e66710",
    cseq: str | None = None,
    max_forwards: str = "70",
) -> dict[str, str]:
    """What every request must have (RFC 3261 §8.1.1)."""
    return {
        "Via": via,
        "Max-Forwards": max_forwards,
        "From": from_,
        "To": to,
        "Call-ID": call_id,
        "CSeq": cseq or f"314159 {method}",
    }


def request(
    method: str,
    uri: str = "sip:102@example.org",
    *extra: str,
    body: bytes = b"",
    without: str = "",
    **fields: str,
) -> bytes:
    """A plain request; `extra` rows follow the needful ones, of which `without` is left out."""
    rows = [f"{name}: {value}" for name, value in request_rows(method, **fields).items() if name != without]
    return raw(f"{method} {uri} SIP/2.0", [*rows, *extra, f"Content-Length: {len(body)}"], body)


def response(
    status: int, method: str, *extra: str, reason: str = "Whatever", body: bytes = b"", **fields: str
) -> bytes:
    """A plain response to such a request, its To tagged."""
    fields.setdefault("to", "<sip:102@example.org>;tag=two")
    rows = [f"{name}: {value}" for name, value in request_rows(method, **fields).items() if name != "Max-Forwards"]
    return raw(f"SIP/2.0 {status} {reason}", [*rows, *extra, f"Content-Length: {len(body)}"], body)
