"""How little stays in memory of messages that are over, however many phones there are."""

import subprocess
import sys
from pathlib import Path

import pytest

from sip.message import Request
from sip.timers import Timers
from sip.transaction.client import InviteClient, NonInviteClient

ROOT = Path(__file__).parents[3]
PHONES = 3000
MEASURE = f"""
import tracemalloc
from sip.message import parse

def register(number):
    party = f"<sip:{{number}}@pbx.example>"
    parse("\\r\\n".join([
        "REGISTER sip:pbx.example SIP/2.0", f"Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{{number}};rport",
        "Max-Forwards: 70", f"From: {{party}};tag={{number}}", f"To: {{party}}", f"Call-ID: {{number}}@192.0.2.1",
        "CSeq: 1 REGISTER", f"Contact: <sip:{{number}}@192.0.2.1:5060>", "", ""
    ]).encode())

register(1000)
tracemalloc.start()
for number in range(10_000, {10_000 + PHONES}):
    register(number)
print(tracemalloc.get_traced_memory()[0])
"""


def test_what_is_remembered_of_a_phone_that_only_registers_is_little() -> None:
    # In a process of its own: what others have had remembered would be forgotten in exchange.
    done = subprocess.run([sys.executable, "-c", MEASURE], cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(done.stdout) < PHONES * 150  # octets; the parts of its address alone are above 300


@pytest.mark.parametrize("method", ["INVITE", "REGISTER"])
def test_transaction_that_ended_leaves_nothing(method: str) -> None:
    """Not even what only the compiled program would: no collector finds that."""

    def begin_and_forget(count: int) -> None:
        kind = InviteClient if method == "INVITE" else NonInviteClient
        for number in range(count):
            headers = {"Via": [f"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{number}"], "CSeq": [f"1 {method}"]}
            kind(Request(method, "sip:102@192.0.2.2", headers), reliable=False, timers=Timers())

    begin_and_forget(100)
    before = sys.getallocatedblocks()
    begin_and_forget(1000)
    assert sys.getallocatedblocks() - before < 100
