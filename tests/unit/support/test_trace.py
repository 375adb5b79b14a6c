from collections.abc import Iterable

import pytest

from tests.support.peers.trace import MessageAssembler, SipMessage, Way

OPTIONS = (
    b"OPTIONS sip:101@pbx.test SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK2\r\n"
    b"CSeq: 7 OPTIONS\r\n"
    b"Content-Length: 0\r\n"
    b"\r\n"
)
MESSAGE = "MESSAGE sip:101@pbx.test SIP/2.0\r\nCSeq: 8 MESSAGE\r\nContent-Length: 10\r\n\r\nДa\r\n\r\nSIP".encode()
RINGING = b"SIP/2.0 180 Ringing\r\nCSeq: 9 INVITE\r\n\r\n"


def assemble(way: Way, lines: Iterable[bytes]) -> list[SipMessage]:
    assembler = MessageAssembler()
    assembler.expect(way)
    return [message for line in lines if (message := assembler.feed(line))]


def test_request_is_read_with_all_its_headers() -> None:
    (message,) = assemble(Way.RECEIVED, OPTIONS.split(b"\n"))
    assert (message.way, message.method, message.status, message.body) == (Way.RECEIVED, "OPTIONS", None, "")
    assert [via[-1] for via in message.headers("via")] == ["1", "2"]
    assert message.header("Subject") == ""


def test_response_has_the_method_of_its_cseq() -> None:
    (message,) = assemble(Way.SENT, RINGING.split(b"\n"))
    assert (message.status, message.method) == (180, "INVITE")


def test_body_ends_where_its_length_in_octets_says() -> None:
    (message,) = assemble(Way.SENT, (MESSAGE + b" and what the program says then\n").split(b"\n"))
    assert message.body == "Дa\r\n\r\nSIP"


def test_messages_that_arrive_together_are_all_read() -> None:
    assert [m.method for m in assemble(Way.SENT, (OPTIONS + b"\r\n" + OPTIONS + RINGING).split(b"\n"))] == [
        "OPTIONS",
        "OPTIONS",
        "INVITE",
    ]


@pytest.mark.parametrize("line", [b"the phone's own words", b"\x1b[;m", b"INVITE is what it says"])
def test_other_words_end_the_waiting_for_a_message(line: bytes) -> None:
    assembler = MessageAssembler()
    assembler.expect(Way.SENT)
    assert assembler.feed(b"") is None
    assert assembler.busy
    assert assembler.feed(line) is None
    assert not assembler.busy
