"""The trace of messages: one line each, and only where somebody asked for it."""

import logging

import pytest

from tests.support.messages import SDP, request
from tests.unit.sip.parties import Server, replying


def _refusing() -> Server:
    server = Server()
    server.user.on_request = replying(server, 486)
    return server


def test_each_message_is_a_line_with_its_call_id(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "sip.trace")
    _refusing().give(request("INVITE", "sip:102@example.org", call_id="one@two", body=SDP))
    assert caplog.messages == [
        "< UDP 192.0.2.1 5060 INVITE sip:102@example.org SIP/2.0 | Call-ID one@two",
        "> UDP 192.0.2.1 5060 SIP/2.0 486 Busy Here | Call-ID one@two",
    ]


def test_headers_and_bodies_stay_out_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "sip.trace")
    _refusing().give(request("MESSAGE", "sip:102@example.org", "Authorization: Digest x", body=b"secret"))
    assert len(caplog.messages) == 2
    assert not [line for line in caplog.messages if "Digest" in line or "secret" in line]


def test_what_is_no_message_is_a_line_all_the_same(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "sip.trace")
    _refusing().give(b"\xff" * 300)
    assert caplog.messages[0] == "< UDP 192.0.2.1 5060 " + "\xff" * 200


def test_nothing_is_logged_where_nobody_asked(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "sip.trace")
    _refusing().give(request("OPTIONS"))
    assert caplog.messages == []
