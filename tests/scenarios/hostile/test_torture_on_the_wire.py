"""Torture messages sent to a running server over UDP and TCP: those of RFC 4475 and RFC 5118, and our own.

What the parser alone makes of them is tested elsewhere; here they go through transport, transaction and everybody who
has to understand them, and what counts is the answer.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.scenarios.hostile.attackers import Answer, Datagrams, Stream, options
from tests.support.messages import SDP, raw, request, request_rows, response
from tests.support.server import Server
from tests.support.shared import VARIABLE, shared_data

# What "accept" rules out: the message was understood, so neither its syntax nor its version is at fault, nor are we.
NOT_ACCEPTED = {400, 500, 503, 505, 513}

# A datagram ends of itself. On a stream these messages go on, by these octets.
UNFINISHED = {"baddn": b"\r\n", "clerr": b"x" * 9999}
# RFC 3261 §18.3: on a stream, a request without Content-Length cannot be told from what follows it.
WITHOUT_LENGTH = {"inv2543"}


def _messages() -> list[Any]:
    found = []
    for rfc in ("rfc4475", "rfc5118"):
        index = shared_data("conformance", rfc, "index.json")
        if index is None:
            reason = f"the torture messages of {rfc} are not here; {VARIABLE} may name the folder of the shared kit"
            found.append(pytest.param({}, Path(), marks=pytest.mark.skip(reason=reason), id=rfc))
            continue
        for entry in json.loads(index.read_text())["messages"]:
            found.append(pytest.param(entry, index.parent / entry["file"], id=entry["name"]))
    return found


MESSAGES = _messages()


def _port_of_via(data: bytes) -> int:
    """Where RFC 3261 §18.2.2 sends the answer, as far as the topmost Via can be read at all."""
    via = re.search(rb"^(?:Via|v)[ \t]*:(.*(?:\r\n[ \t].*)*)", data, re.IGNORECASE | re.MULTILINE)
    assert via is not None
    port = re.match(rb"[^;,]*:(\d+)(?:[;,]|$)", re.sub(rb"\s+", b"", via[1]))
    return int(port[1]) if port is not None else 5060


def _judge(answers: list[Answer], entry: dict[str, Any]) -> None:
    """Whether these are the answers that the index expects; it calls a request without `kind` what it is."""
    expected = set(entry["expected"])
    if entry.get("kind") == "response":
        assert answers == []
        return
    (status,) = [answer.status for answer in answers if answer.status >= 200]
    assert str(status) in expected or ("accept" in expected and status not in NOT_ACCEPTED)


@pytest.mark.parametrize(("entry", "file"), MESSAGES)
def test_torture_message_in_a_datagram(server: Server, entry: dict[str, Any], file: Path) -> None:
    data = file.read_bytes()
    with Datagrams(server.udp, port=_port_of_via(data)) as attacker:
        attacker.send(data)
        _judge(attacker.all(f"after-{entry['name']}"), entry)


@pytest.mark.parametrize(("entry", "file"), MESSAGES)
def test_torture_message_on_a_stream(server: Server, entry: dict[str, Any], file: Path) -> None:
    name, data = entry["name"], file.read_bytes()
    with Stream(server.tcp) as attacker:
        attacker.send(data)
        if name in UNFINISHED:
            # RFC 4475 §3.1.2.2: "the element should wait for the rest"; nothing is said before it has come.
            with pytest.raises(TimeoutError):
                attacker.read(timeout=0.1)
            attacker.send(UNFINISHED[name])
        if name == "dblreq":
            assert [attacker.final().status for _ in range(2)] == [401, 407]
            return
        if name in WITHOUT_LENGTH:
            assert [answer.status for answer in attacker.rest()] == [400]
            return
        attacker.send(options("next", "TCP"))
        answers = []
        while (answer := attacker.read()) is not None and answer.call_id != "next":
            answers.append(answer)
        _judge(answers, {**entry, "expected": ["accept"]} if name == "clerr" else entry)


# ---- the same ground with messages of our own


def _folded() -> bytes:
    rows = [
        "TO :\r\n sip:anna@office.test \t;  tag = 7",
        'from: "\\"" <sip:boris@h>\r\n  ;\r\n tag=9',
        "MaX-fOrWaRdS: 0068",
        "i: folded",
        "cseq: 0009\r\n  INVITE",
        "v: SIP  / 2.0\r\n / UDP\r\n    192.0.2.2;rport;branch=z9hG4bK1 , SIP / 2.0 / TCP  h ;\r\n branch=z9hG4bK2",
        "s:",
        "NewFangledHeader:   newfangled value\r\n continued",
        "c: application/sdp",
        'm:"Quoted \\"" <sip:boris@h>; newparam = newvalue ;\r\n  q = 0.33',
        f"l: {len(SDP)}",
    ]
    return raw("INVITE sip:vivekg@office.test;unknownparam SIP/2.0", rows, SDP)


def _long() -> bytes:
    long = "x" * 1500
    return request("OPTIONS", f"sip:{long}@office.test", f"X-{long}: {long}", from_=f"<sip:{long}@h>;tag={long}")


def _ask(method: str, *extra: str, uri: str = "sip:102@office.test", body: bytes = b"", **fields: str) -> bytes:
    return request(method, uri, *extra, body=body, **fields)


CALLING = ("Contact: <sip:101@192.0.2.1>", "Content-Type: application/sdp")

# Name, octets, status, and a header that the answer must have.
OWN: list[tuple[str, bytes, int, str | None]] = [
    ("folds and blanks", _folded(), 481, None),
    ("every token character", _ask("!Odd-Method0123456789_*+`.%even'~"), 501, "Allow"),
    ("escaped method", _ask("RE%47ISTER"), 501, "Allow"),
    ("escapes in a URI", _ask("INVITE", *CALLING, uri="sip:%31%302@office.test", body=SDP), 407, "Proxy-Authenticate"),
    ("escaped NUL", _ask("REGISTER", "Contact: <sip:%00@h>", uri="sip:office.test"), 401, "WWW-Authenticate"),
    ("no blank before the bracket", _ask("OPTIONS", from_="caller<sip:a@h>;tag=1"), 200, "Allow"),
    ("long values", _long(), 200, "Allow"),
    ("semicolon in the user", _ask("OPTIONS", uri="sip:user;par=u%40h@office.test"), 200, "Allow"),
    ("unknown transports", _ask("OPTIONS", "Via: SIP/2.0/SCTP b", "Via: SIP/2.0/CARRIER c"), 200, "Allow"),
    ("body of octets", _ask("OPTIONS", "Content-Type: multipart/mixed", body=bytes(range(256))), 200, "Allow"),
    ("extra separators", _ask("INVITE", via="SIP/2.0/UDP 192.0.2.15;rport;;,;,,"), 400, None),
    ("negative length", _ask("INVITE").replace(b"Length: 0", b"Length: -999"), 400, None),
    ("overlarge numbers", _ask("REGISTER", "Expires: 1" + "0" * 99, cseq="36893488147419103232 REGISTER"), 400, None),
    ("open quotation", _ask("INVITE", to='"Mr. X <sip:x@h>'), 400, None),
    ("brackets around the URI", _ask("INVITE", uri="<sip:x@h>"), 400, None),
    ("blank in the URI", _ask("INVITE", uri="sip:x@h; lr"), 400, None),
    ("blanks in the start line", _ask("INVITE", uri=" sip:x@h "), 400, None),
    ("blanks inside of brackets", _ask("OPTIONS", to='"W" < sip:x@h >'), 400, None),
    ("comma in a name", _ask("OPTIONS", from_="Bell, Alexander <sip:x@h>;tag=1"), 400, None),
    ("another version", _ask("OPTIONS").replace(b"SIP/2.0\r\n", b"SIP/7.0\r\n", 1), 505, None),
    ("another method in CSeq", _ask("OPTIONS", cseq="8 INVITE"), 400, None),
    ("branch of the cookie alone", _ask("OPTIONS", via="SIP/2.0/UDP 192.0.2.1;rport;branch=z9hG4bK"), 200, "Allow"),
    ("no To", _ask("INVITE", without="To"), 400, None),
    ("no From", _ask("INVITE", without="From"), 400, None),
    ("no Call-ID", _ask("INVITE", without="Call-ID"), 400, None),
    ("no CSeq", _ask("INVITE", without="CSeq"), 400, None),
    ("unknown scheme", _ask("OPTIONS", uri="nobodyKnowsThisScheme:totallyopaquecontent"), 416, None),
    ("known scheme out of place", _ask("OPTIONS", uri="soap.beep://192.0.2.103:3002"), 416, None),
    ("unknown extension", _ask("OPTIONS", "Require: nothingSupportsThis"), 420, "Unsupported"),
    ("unknown extension for proxies", _ask("OPTIONS", "Proxy-Require: noProxiesSupportThis"), 420, "Unsupported"),
    ("unknown body", _ask("INVITE", CALLING[0], "Content-Type: application/unknown", body=b"x"), 415, "Accept"),
    ("unknown authentication", _ask("REGISTER", "Authorization: NoOneKnows opaque=1"), 401, "WWW-Authenticate"),
    ("several of what is one", _ask("INVITE", "CSeq: 59 INVITE", "t: <sip:other@h>"), 400, None),
    ("two lengths", _ask("OPTIONS", "l: 13"), 400, None),
    ("no hops left", _ask("INVITE", *CALLING, body=SDP, max_forwards="0"), 407, "Proxy-Authenticate"),
    ("hops beyond 255", _ask("OPTIONS", max_forwards="256"), 400, None),
    ("answer that cannot be read", _ask("INVITE", *CALLING, "Accept: text/unknown", body=SDP), 406, "Accept"),
    ("broken description", _ask("INVITE", *CALLING, body=b"v=1\r\n"), 488, "Warning"),
    ("RFC 2543", _ask("OPTIONS", without="Max-Forwards", via="SIP/2.0/UDP h;rport", from_="sip:a@h"), 200, "Allow"),
    ("IPv6 reference", _ask("OPTIONS", uri="sip:[2001:db8::10]:5070"), 200, "Allow"),
    ("IPv6 address without brackets", _ask("OPTIONS", uri="sip:2001:db8::10"), 400, None),
    (
        "IPv6 received",
        _ask("BYE", via="SIP/2.0/UDP [2001:db8::1];received=2001:db8::9;rport"),
        481,
        None,
    ),
    ("IPv4 in IPv6", _ask("OPTIONS", via="SIP/2.0/UDP [::ffff:192.0.2.10]:19823;rport;branch=z9hG4bK8"), 200, "Allow"),
    ("three colons", _ask("OPTIONS", uri="sip:user@[2001:db8:::192.0.2.1]"), 200, "Allow"),
]


@pytest.mark.parametrize("case", OWN, ids=[name for name, *_ in OWN])
@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_odd_message_is_answered(server: Server, transport: str, case: tuple[str, bytes, int, str | None]) -> None:
    _, data, status, header = case
    if transport == "UDP":
        with Datagrams(server.udp) as attacker:
            attacker.send(data)
            (answer,) = [answer for answer in attacker.all("after-own") if answer.status >= 200]
    else:
        with Stream(server.tcp) as attacker:
            attacker.send(data)
            answer = attacker.final()
    assert answer.status == status
    assert header is None or answer.get(header)


@pytest.mark.parametrize(
    "data",
    [
        response(200, "OPTIONS"),
        response(100, "INVITE", reason=""),
        response(200, "INVITE", reason="= 2**3 * 5**2 \xd0\xbd\xd0\xbe"),
        response(503, "OPTIONS", cseq="9292394834772304023312 OPTIONS"),
        response(200, "OPTIONS").replace(b"200", b"4294967301", 1),
        response(200, "OPTIONS", "Via: SIP/2.0/UDP 255.255.255.255"),
        request("ACK"),
        request("ACK", without="To"),
        request("ACK", cseq="1 INVITE"),
    ],
)
@pytest.mark.parametrize("transport", ["UDP", "TCP"])
def test_stray_response_and_ack_are_not_answered(server: Server, transport: str, data: bytes) -> None:
    if transport == "UDP":
        with Datagrams(server.udp) as attacker:
            attacker.send(data)
            assert attacker.all("after-stray") == []
    else:
        with Stream(server.tcp) as attacker:
            attacker.send(data + options("after-stray", "TCP"))
            answer = attacker.read()
            assert answer is not None
            assert answer.call_id == "after-stray"


def test_rest_of_a_datagram_is_thrown_away(server: Server) -> None:
    with Datagrams(server.udp) as attacker:
        attacker.send(options("first") + options("second"))
        assert [answer.call_id for answer in attacker.all("third")] == ["first"]


def test_length_beyond_the_datagram_is_refused(server: Server) -> None:
    with Datagrams(server.udp) as attacker:
        attacker.send(request("INVITE").replace(b"Length: 0", b"Length: 9999"))
        assert [answer.status for answer in attacker.all("after-length")] == [400]


def test_length_beyond_what_has_come_is_waited_for_on_a_stream(server: Server) -> None:
    rows = {**request_rows("OPTIONS"), "Content-Length": "20"}
    data = raw("OPTIONS sip:office.test SIP/2.0", [f"{name}: {value}" for name, value in rows.items()])
    with Stream(server.tcp) as attacker:
        attacker.send(data + b"x" * 19)
        with pytest.raises(TimeoutError):
            attacker.read(timeout=0.1)
        attacker.send(b"x" + options("next", "TCP"))
        assert attacker.final().status == 200
        assert attacker.final("next").status == 200
