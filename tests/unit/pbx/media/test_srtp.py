"""SRTP in the packet buffer, against pylibsrtp's own way, which works on copies."""

import pytest
from pylibsrtp import Error, Policy, Session

from pbx.media.relay.packet import BUFFER, HEADER, LONGEST, WORDS, load
from pbx.media.relay.srtp import MOST_SOURCES, Protection
from pbx.media.relay.suites import SUITES, MasterKey, Suite

PACKET = HEADER.pack(0x80, 0, 1, 160, 7) + bytes(range(160))
REPORT = bytes((0x80, 201, 0, 1)) + (7).to_bytes(4, "big")


def library_session(key: MasterKey, kind: int) -> Session:
    return Session(Policy(key=key.material, ssrc_type=kind, srtp_profile=key.suite.profile))


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_what_is_protected_here_the_library_reads(suite: Suite) -> None:
    key = MasterKey.new(suite)
    ours, theirs = Protection(key, inbound=False), library_session(key, Policy.SSRC_ANY_INBOUND)
    end = ours.protect(0, load(PACKET))
    assert end > len(PACKET)
    assert theirs.unprotect(bytes(BUFFER[:end])) == PACKET
    assert theirs.unprotect_rtcp(ours.protect_rtcp(REPORT)) == REPORT


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_what_the_library_protects_is_read_here(suite: Suite) -> None:
    key = MasterKey.new(suite)
    ours, theirs = Protection(key, inbound=True), library_session(key, Policy.SSRC_ANY_OUTBOUND)
    length = ours.unprotect(load(theirs.protect(PACKET)))
    assert bytes(BUFFER[:length]) == PACKET
    length = ours.unprotect_rtcp(load(theirs.protect_rtcp(REPORT)))
    assert bytes(BUFFER[:length]) == REPORT


def test_packet_that_begins_inside_the_buffer_is_protected_there() -> None:
    key = MasterKey.new(SUITES[0])
    ours, theirs = Protection(key, inbound=False), library_session(key, Policy.SSRC_ANY_INBOUND)
    length = load(bytes(8) + PACKET)
    end = ours.protect(8, length)
    assert theirs.unprotect(bytes(BUFFER[8:end])) == PACKET


def test_packets_longer_than_the_library_takes_are_protected() -> None:
    key = MasterKey.new(SUITES[0])
    long = PACKET + bytes(LONGEST - len(PACKET))
    with pytest.raises(ValueError, match="too long"):
        library_session(key, Policy.SSRC_ANY_OUTBOUND).protect(long)
    end = Protection(key, inbound=False).protect(0, load(long))
    length = Protection(key, inbound=True).unprotect(end)
    assert bytes(BUFFER[:length]) == long


def test_forged_packet_is_refused() -> None:
    key = MasterKey.new(SUITES[0])
    protected = bytearray(library_session(key, Policy.SSRC_ANY_OUTBOUND).protect(PACKET))
    protected[20] ^= 1
    assert Protection(key, inbound=True).unprotect(load(bytes(protected))) == 0


def test_repeated_packet_is_refused_when_it_comes_and_may_be_sent_again() -> None:
    key = MasterKey.new(SUITES[0])
    out, into = Protection(key, inbound=False), Protection(key, inbound=True)
    end = out.protect(0, load(PACKET))
    protected = bytes(BUFFER[:end])
    assert into.unprotect(load(protected))
    assert into.unprotect(load(protected)) == 0
    assert out.protect(0, load(PACKET)) == end, "a NACK asks for just that"


def test_contexts_of_a_party_that_takes_ever_new_sources_are_let_go() -> None:
    """Each one would be looked through for every packet, and kept as long as the call."""
    key = MasterKey.new(SUITES[0])
    theirs, into = library_session(key, Policy.SSRC_ANY_OUTBOUND), Protection(key, inbound=True)

    def spoken(ssrc: int) -> bytes:
        return theirs.protect(HEADER.pack(0x80, 0, 1, 160, ssrc) + bytes(20))

    first = spoken(1)
    for packet in (first, *map(spoken, range(2, MOST_SOURCES + 1))):
        assert into.unprotect(load(packet))
        into.remember(WORDS[2])
    assert into.unprotect(load(first)) == 0, "its context is there"
    assert into.unprotect(load(spoken(0xFFFF)))
    into.remember(WORDS[2])
    assert into.unprotect(load(first)), "nothing is known of it any more"


def test_report_that_the_buffer_has_no_room_for_encrypted_is_not_encrypted() -> None:
    out = Protection(MasterKey.new(SUITES[0]), inbound=False)
    longest = REPORT + bytes(LONGEST - len(REPORT))
    assert len(out.protect_rtcp(longest)) > LONGEST
    assert out.protect_rtcp(longest + bytes(4)) == b""


def test_packet_of_the_wrong_key_is_refused() -> None:
    one, other = MasterKey.new(SUITES[0]), MasterKey.new(SUITES[0])
    protected = library_session(one, Policy.SSRC_ANY_OUTBOUND).protect(PACKET)
    assert Protection(other, inbound=True).unprotect(load(protected)) == 0
    with pytest.raises(Error):
        library_session(other, Policy.SSRC_ANY_INBOUND).unprotect(protected)


def test_key_is_not_shown() -> None:
    key = MasterKey.new(SUITES[0])
    assert key.material.hex() not in repr(key)
    assert str(key.material) not in repr(key)
