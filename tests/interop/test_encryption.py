"""Phones that insist on encrypted media, and phones that know nothing of it."""

import pytest

from tests.interop.desk import Desk, assert_hear_each_other, connect, kind
from tests.support.peers.baresip import Baresip
from tests.support.peers.base import Phone
from tests.support.peers.linphone import Linphone

pytestmark = pytest.mark.interop


class SecretBaresip(Baresip):
    """Takes and makes no call without SRTP."""

    encryption = "srtp-mand"


@pytest.mark.parametrize("other", [Baresip, Linphone], ids=kind)
def test_phone_without_encryption_calls_one_that_insists_on_it(desk: Desk, other: type[Phone]) -> None:
    caller, callee = desk.phones(other, SecretBaresip)
    outgoing, _ = connect(caller, callee)
    assert_hear_each_other(caller, callee)
    caller.hang_up(outgoing)


@pytest.mark.parametrize("other", [Baresip, Linphone], ids=kind)
def test_phone_that_insists_on_encryption_calls_one_without(desk: Desk, other: type[Phone]) -> None:
    caller, callee = desk.phones(SecretBaresip, other)
    outgoing, _ = connect(caller, callee)
    assert_hear_each_other(caller, callee)
    caller.hang_up(outgoing)


def test_two_that_insist_on_encryption_talk_without_us_in_between(desk: Desk) -> None:
    caller, callee = desk.phones(SecretBaresip, SecretBaresip)
    outgoing, _ = connect(caller, callee)
    assert_hear_each_other(caller, callee)
    caller.hang_up(outgoing)
    record = desk.server.wait_record(caller=caller.account.number)
    assert desk.server.media(str(record["id"])) is None
