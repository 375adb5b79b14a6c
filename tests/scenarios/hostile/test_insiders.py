"""A phone that knows its password, and sends nonsense: what strangers are never asked for is read here."""

import random

import pytest

from sip import digest
from tests.scenarios.hostile.attackers import Datagrams
from tests.scenarios.hostile.victim import Office
from tests.support.messages import SDP, raw

MESSAGES = 500  # in each round, from one seed
MOST_COUNTED = 200  # answers to one nonce; the server refuses to count on for ever

ROWS = {
    "INVITE": [
        "Contact: <sip:104@127.0.0.1:9>",
        "Content-Type: application/sdp",
        "Supported: 100rel, timer, replaces",
        "Session-Expires: 1800;refresher=uac",
        "Min-SE: 90",
        "Accept: application/sdp",
        "Privacy: id",
        "History-Info: <sip:1@h?Reason=SIP%3Bcause=302>;index=1",
        "Diversion: <sip:1@h>;reason=user-busy",
        "Reason: SIP;cause=200",
        "Replaces: a;to-tag=b;from-tag=c",
    ],
    "REGISTER": [
        "Contact: <sip:104@127.0.0.1:9>;expires=60;q=0.5",
        "Supported: path, outbound, gruu",
        "Path: <sip:p@127.0.0.1;lr>",
        "Expires: 60",
        "User-Agent: nonsense",
    ],
    "MESSAGE": ["Content-Type: text/plain;charset=utf-8", "Contact: <sip:104@127.0.0.1:9>", "Expires: 5"],
    "SUBSCRIBE": ["Event: presence", "Expires: 60", "Contact: <sip:104@127.0.0.1:9>"],
    "REFER": ["Refer-To: <sip:102@office.test?Replaces=a%3Bto-tag%3Db>", "Referred-By: <sip:1@h>"],
}
JUNK = [
    "",
    ",",
    ";",
    "<",
    '"',
    "<sip:>",
    "sip:@",
    "*",
    "0",
    "-1",
    "9" * 21,
    "a=b",
    "%00",
    "\0",
    "\xff\xfe",
    "\t",
    "[::",
]
JUNK += [
    "<sip:a@[::1]:99999>",
    "<tel:+1>",
    "<sip:a@h;maddr=1.2.3.4;transport=foo>",
    "1" * 300,
    "<sip:%ff%fe@office.test>",
]


class Insider:
    """Signs whatever it says as 104, and says it by chance, the same for the same seed."""

    def __init__(self, office: Office, line: Datagrams, seed: int) -> None:
        self.dice = random.Random(seed)
        self._password = office.server.password("104")
        self._line = line
        self._nonce, self._count = "", MOST_COUNTED
        self._serial = 0

    def says(self) -> bytes:
        dice = self.dice
        self._serial += 1
        method = dice.choice(["INVITE", "INVITE", *ROWS])
        uri = "sip:office.test" if method == "REGISTER" else f"sip:{dice.choice(['104', '999', '9', 'x'])}@office.test"
        rows = [
            f"Via: SIP/2.0/UDP h;rport;branch=z9hG4bK{id(self)}-{self._serial}",
            "Max-Forwards: 70",
            f"From: <sip:104@office.test>;tag={self._serial}",
            f"To: <{uri if method != 'REGISTER' else 'sip:104@office.test'}>",
            f"Call-ID: insider-{id(self)}-{self._serial}",
            f"CSeq: 1 {method}",
            self._signature(method, uri),
        ]
        if dice.random() < 0.1:
            place = dice.randrange(1, 6)
            rows[place] = self._spoilt(rows[place])
        more = [row for row in ROWS[method] if dice.random() < (0.1 if row.startswith("Replaces") else 0.8)]
        rows += [self._spoilt(row) if dice.random() < 0.25 else row for row in more]
        body = {"INVITE": SDP, "MESSAGE": b"hello"}.get(method, b"")
        if body and dice.random() < 0.3:
            place = dice.randrange(len(body))
            body = body[:place] + dice.randbytes(2) + body[place + 2 :]
        return raw(f"{method} {uri} SIP/2.0", [*rows, f"Content-Length: {len(body)}"], body)

    def _spoilt(self, row: str) -> str:
        """A row with its value replaced, interrupted, cut, or said twice."""
        dice = self.dice
        name, _, value = row.partition(": ")
        place = dice.randrange(len(value) + 1)
        junk = dice.choice(JUNK)
        spoilt = [junk, value[:place] + junk + value[place:], value[:place] + value[place + 3 :], f"{value}\r\n{row}"]
        return f"{name}: {dice.choice(spoilt)}"

    def _signature(self, method: str, uri: str) -> str:
        if self._count >= MOST_COUNTED:
            self._ask_for_nonce()
        self._count += 1
        nc = f"{self._count:08x}"
        secret = digest.ha1("MD5", "104", "office.test", self._password)
        asked = digest.ha2("MD5", method, uri)
        answer = digest.response("MD5", secret, self._nonce, asked, qop="auth", nc=nc, cnonce="c")
        given = digest.Credentials("104", "office.test", self._nonce, uri, answer, "MD5", "auth", nc, "c")
        name = "Authorization" if method == "REGISTER" else "Proxy-Authorization"
        return f"{name}: {digest.format_credentials(given)}"

    def _ask_for_nonce(self) -> None:
        call_id = f"nonce-{id(self)}-{self._serial}"
        rows = [f"Via: SIP/2.0/UDP h;rport;branch=z9hG4bK{call_id}", "From: <sip:104@office.test>;tag=1"]
        rows += ["To: <sip:104@office.test>", f"Call-ID: {call_id}", "CSeq: 1 REGISTER", "Content-Length: 0"]
        self._line.send(raw("REGISTER sip:office.test SIP/2.0", rows))
        challenge = digest.parse_challenge(self._line.final(call_id).get("WWW-Authenticate") or "")
        assert challenge is not None
        self._nonce, self._count = challenge.nonce, 0


@pytest.mark.parametrize("seed", range(3))
def test_nonsense_with_a_good_password_is_no_defect(office: Office, seed: int) -> None:
    """It calls nobody but itself, so that nobody else's phone rings."""
    server, statuses = office.server, set()
    with Datagrams(server.udp) as line:
        insider = Insider(office, line, seed)
        for number in range(MESSAGES):
            line.send(insider.says())
            if number % 50 == 49:
                statuses |= {answer.status for answer in line.all(f"nonsense-{seed}-{number}")}
    assert statuses >= {100, 200, 400, 404}
    assert not statuses & {500, 503}
    for call in server.command("calls.live")["calls"]:
        server.command("calls.hangup", {"call": call["id"]})
