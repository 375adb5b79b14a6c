"""What else two parties say to each other within a call, and what we answer ourselves."""

from __future__ import annotations

import pytest

from tests.scenarios.calls.office import Office, connected
from tests.support.phones import sdp

DTMF = b"Signal=5\r\nDuration=160\r\n"


@pytest.mark.parametrize("side", ["caller", "callee"])
def test_dtmf_by_info_passes(office: Office, side: str) -> None:
    talks = connected(*office.two())
    mine, other = talks if side == "caller" else talks[::-1]
    sent = mine.send("INFO", body=DTMF, content_type="application/dtmf-relay")
    assert sent.status == 200
    (info,) = other.methods("INFO")
    assert info.body == DTMF
    assert info.content_type == "application/dtmf-relay"


def test_info_package_passes_with_its_headers(office: Office) -> None:
    call, ring = connected(*office.two())
    call.send("INFO", "Info-Package: x", "Content-Disposition: Info-Package", body=b"1", content_type="application/x")
    (info,) = ring.methods("INFO")
    assert info.rows("Info-Package") == ["x"]
    assert info.rows("Content-Disposition") == ["Info-Package"]


@pytest.mark.parametrize("status", [415, 469, 500, 202])
def test_answer_to_an_info_passes_back(office: Office, status: int) -> None:
    anna, boris = office.two()
    boris.auto["INFO"] = status
    call, _ = connected(anna, boris)
    assert call.send("INFO", body=DTMF, content_type="application/dtmf-relay").status == status
    assert call.live


def test_many_digits_in_a_row_keep_their_order(office: Office) -> None:
    anna, boris = office.two()
    call, ring = connected(anna, boris)
    digits = [b"Signal=%d\r\n" % (number % 10) for number in range(30)]
    with anna.hurried():
        for digit in digits:
            call.send("INFO", body=digit, content_type="application/dtmf-relay")
    assert [info.body for info in ring.methods("INFO")] == digits


def test_message_within_a_call_goes_to_the_other_party(office: Office) -> None:
    call, ring = connected(*office.two())
    assert ring.send("MESSAGE", body=b"hello", content_type="text/plain").status == 200
    (message,) = call.methods("MESSAGE")
    assert (message.body, message.content_type) == (b"hello", "text/plain")
    assert office.stored_messages == []


def test_info_before_the_answer_reaches_a_phone_that_plays(office: Office) -> None:
    """Digits to an announcement that comes before the answer."""
    anna, boris = office.two()
    call = anna.call("102")
    ring = boris.rung()
    ring.ring(183, body=boris.sdp)
    assert call.send("INFO", body=DTMF, content_type="application/dtmf-relay").status == 200
    assert ring.methods("INFO")
    ring.answer()


def test_info_with_nobody_to_take_it_is_refused(office: Office) -> None:
    anna, desk, soft = office.phone("101"), office.phone("102"), office.phone("102-b")
    call = anna.call("102")
    desk.rung().ring()
    soft.rung().ring()
    assert call.send("INFO", body=DTMF, content_type="application/dtmf-relay").status == 500
    desk.rung().answer()
    assert call.live


def test_phone_that_does_not_know_the_dialog_any_more_ends_the_call(office: Office) -> None:
    """RFC 3261 §12.2.1.2: 481 and 408 mean that the dialog is gone."""
    anna, boris = office.two()
    boris.auto["INFO"] = 481
    call, _ = connected(anna, boris)
    call.send("INFO", body=DTMF, content_type="application/dtmf-relay")
    assert call.ended


def test_options_within_a_call_are_answered_here(office: Office) -> None:
    call, ring = connected(*office.two())
    sent = call.send("OPTIONS")
    assert sent.status == 200
    assert "UPDATE" in sent.answer.tokens("Allow")
    assert not ring.asked


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("NOTIFY", ["Event: refer", "Subscription-State: active"], 481),
        ("SUBSCRIBE", ["Event: presence"], 489),
        ("PUBLISH", ["Event: presence"], 405),
        ("WINK", [], 405),
        ("PRACK", ["RAck: 1 1 INVITE"], 481),
    ],
)
def test_what_has_no_place_in_a_call_is_refused(office: Office, method: str, headers: list[str], status: int) -> None:
    call, ring = connected(*office.two())
    assert call.send(method, *headers).status == status
    assert not ring.asked
    assert call.live


@pytest.mark.parametrize("method", ["INVITE", "INFO", "UPDATE"])
def test_extension_that_we_lack_is_refused_within_a_call_too(office: Office, method: str) -> None:
    anna, boris = office.two()
    call, ring = connected(anna, boris)
    sent = call.send(method, "Require: teleport", body=sdp(anna.host, version=2))
    assert sent.status == 420
    assert sent.answer.rows("Unsupported") == ["teleport"]
    assert not ring.asked


def test_request_out_of_order_is_refused(office: Office) -> None:
    """RFC 3261 §12.2.2."""
    call, _ = connected(*office.two())
    call.send("INFO", body=DTMF, content_type="application/dtmf-relay")
    call._numbers[call.remote_tag] -= 1
    assert call.send("INFO", body=DTMF, content_type="application/dtmf-relay").status == 500
    call._numbers[call.remote_tag] += 20  # a gap is no error
    assert call.send("INFO", body=DTMF, content_type="application/dtmf-relay").status == 200


@pytest.mark.parametrize("method", ["BYE", "INVITE", "INFO", "UPDATE", "REFER", "PRACK", "MESSAGE", "OPTIONS"])
@pytest.mark.parametrize("wrong", ["call_id", "remote", "local"])
def test_request_in_a_dialog_that_is_not_there_is_answered_481(office: Office, method: str, wrong: str) -> None:
    call, ring = connected(*office.two())
    right = getattr(call, wrong)
    setattr(call, wrong, right.replace("tag=", "tag=x") if wrong != "call_id" else "another")
    if wrong == "remote":
        call.remote_tag, tag = "x" + call.remote_tag, call.remote_tag
        assert call.send(method).status == 481
        call.remote_tag = tag
    else:
        assert call.send(method).status == 481
    setattr(call, wrong, right)
    call.ended = False
    assert not ring.asked
    call._numbers[call.remote_tag] += 1
    assert call.bye().status == 200


def test_bye_ends_the_call_once(office: Office) -> None:
    call, _ = connected(*office.two())
    assert call.bye().status == 200
    assert call.send("BYE").status == 481
    assert len(office.records) == 1
