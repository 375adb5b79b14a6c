import logging

import pytest

from sip.complaints import EVERY, Complaints
from sip.errors import ParseError
from tests.support.clock import FakeClock
from tests.support.wire import FakeFlow, Wire


def test_flood_of_malformed_messages_is_one_line_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    clock, counters = FakeClock(), {"malformed": 0}
    flow = FakeFlow(Wire(clock), "UDP", ("192.0.2.1", 5060), ("192.0.2.66", 9))
    complaints = Complaints(clock.time, counters)
    for _ in range(1000):
        complaints.malformed(flow, ParseError("no To"))
    clock.advance(EVERY)
    complaints.malformed(flow, ParseError("no From"))
    assert [record.getMessage() for record in caplog.records] == [
        "! malformed message from UDP 192.0.2.66 port 9: no To (1 since the start)",
        "! malformed message from UDP 192.0.2.66 port 9: no From (1001 since the start)",
    ]
    assert counters == {"malformed": 1001}
