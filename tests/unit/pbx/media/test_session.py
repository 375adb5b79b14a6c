"""What each party is told of the other: written for who reads it, and always as the standard has it."""

import re

import pytest

from pbx.media.errors import NotAcceptable, UnknownSession
from pbx.media.plane import MediaProfile
from pbx.media.relay.formats import DROP
from pbx.media.relay.leg import Machinery
from pbx.media.relay.remote import MOST_STREAMS
from pbx.media.relay.session import Session
from sip.sdp.strict import parse_strict
from tests.unit.pbx.media.descriptions import CHROME, G711, HEAD, VIDEO_PHONE, phone, text

TRANSPORT = ("candidate", "ice-", "fingerprint", "setup", "mid", "ssrc", "extmap", "crypto", "rtcp-mux", "BUNDLE")


def offer(session: Session, sdp: bytes, profile: MediaProfile, source: str = "a", target: str = "b") -> str:
    told = session.offer(sdp, source=source, target=target, profile=profile, source_host="", target_host="")
    parse_strict(told)
    return told.decode()


def answer(session: Session, sdp: bytes, source: str = "b", target: str = "a") -> str:
    told = session.answer(sdp, source=source, target=target, source_host="")
    parse_strict(told)
    return told.decode()


def streams(told: str) -> list[str]:
    """The m= lines, without their ports."""
    return [re.sub(r" \d+ ", " ", line, count=1) for line in told.split("\r\n") if line.startswith("m=")]


def ports(told: str) -> list[int]:
    return [int(port) for port in re.findall(r"^m=\S+ (\d+)", told, re.M)]


def test_browsers_offer_becomes_a_phones(session: Session) -> None:
    told = offer(session, CHROME, MediaProfile.RTP)
    assert streams(told) == ["m=audio RTP/AVP 111 9 0 8 13 110 126", "m=video RTP/AVP 96 103 107"]
    assert not [word for word in TRANSPORT if word in told]
    assert "a=rtcp-fb:96 nack pli" in told
    assert "rtcp-fb:111" not in told
    assert "goog-remb" not in told
    assert "red" not in told


def test_phones_offer_becomes_a_browsers(session: Session) -> None:
    told = offer(session, VIDEO_PHONE, MediaProfile.WEBRTC)
    assert streams(told) == ["m=audio UDP/TLS/RTP/SAVPF 8 0 101", "m=video UDP/TLS/RTP/SAVPF 99"]
    assert "a=group:BUNDLE 0 1" in told
    assert "a=ice-lite" in told
    assert told.count("a=setup:actpass") == 2
    assert told.count("a=rtcp-mux") == 2
    assert len(set(re.findall(r"a=ice-ufrag:(\S+)", told))) == 1, "one transport for both"
    assert "a=rtcp-fb:99 nack pli" in told
    assert "a=rtcp-fb:99 nack\r\n" not in told, "the phone repeats no packets"
    assert set(re.findall(r"a=candidate:\S+ 1 udp \d+ (\S+)", told)) == {"127.0.0.1"}


def test_answer_of_a_phone_becomes_a_browsers(session: Session, machinery: Machinery) -> None:
    offer(session, CHROME, MediaProfile.RTP)
    told = answer(session, VIDEO_PHONE.replace(b"99", b"107"))
    assert streams(told) == ["m=audio UDP/TLS/RTP/SAVPF 8 0 126", "m=video UDP/TLS/RTP/SAVPF 107"]
    assert ports(told) == [machinery.hub.port] * 2
    assert "a=group:BUNDLE 0 1" in told
    assert told.count("a=setup:passive") == 2
    assert "red" not in told
    assert "rtx" not in told


def test_stream_that_the_phone_turns_down_is_out_of_the_bundle(session: Session) -> None:
    offer(session, CHROME, MediaProfile.RTP)
    told = answer(session, phone(*G711, more=("m=video 0 RTP/AVP 96",)))
    assert "a=group:BUNDLE 0\r\n" in told
    assert ports(told)[1] == 0
    assert "a=mid:1" in told


@pytest.mark.parametrize("profile", MediaProfile)
def test_streams_that_can_not_be_relayed_are_turned_down_in_their_places(
    session: Session, profile: MediaProfile
) -> None:
    other = ("m=image 6000 udptl t38", "m=application 9 UDP/DTLS/SCTP webrtc-datachannel")
    told = offer(session, phone(*G711, more=other), profile)
    assert [line.split()[0] for line in streams(told)] == ["m=audio", "m=image", "m=application"]
    assert ports(told)[0] > 0
    assert ports(told)[1:] == [0, 0]


@pytest.mark.parametrize("browser", [CHROME, VIDEO_PHONE], ids=["browser", "phone"])
def test_second_answer_may_take_up_what_the_first_has_turned_down(session: Session, browser: bytes) -> None:
    """A proxy behind us rings two phones: one sends a tone, another one takes the call. Its speech goes through."""
    offer(session, browser, MediaProfile.RTP)
    answer(session, phone(*G711, more=("m=video 0 RTP/AVP 107",)))
    number = b"107" if browser is CHROME else b"99"
    told = ports(answer(session, VIDEO_PHONE.replace(b"99", number).replace(b"4000", b"5000")))
    assert told[0]
    assert told[1] == 0, "the port for pictures has been given back"


def test_encrypted_offer_has_keys_of_every_suite(session: Session) -> None:
    told = offer(session, phone(*G711), MediaProfile.SRTP)
    assert streams(told)[0].startswith("m=audio RTP/SAVP ")
    suites = re.findall(r"a=crypto:(\d) (\S+) inline:(\S+)", told)
    assert suites[0][1] == "AES_CM_128_HMAC_SHA1_80"
    assert len({key for *_, key in suites}) == len(suites) == 4


def test_optional_encryption_stands_beside_the_plain_profile(session: Session) -> None:
    told = offer(session, phone(*G711), MediaProfile.SRTP_OPTIONAL)
    assert streams(told)[0].startswith("m=audio RTP/AVP ")
    assert "a=crypto:1 " in told


def test_answer_in_the_clear_to_an_encrypted_offer_is_refused(session: Session) -> None:
    offer(session, phone(*G711), MediaProfile.SRTP)
    with pytest.raises(NotAcceptable):
        answer(session, phone(*G711, port=5000))


def test_answer_in_the_clear_is_fine_where_encryption_was_optional(session: Session) -> None:
    offer(session, phone(*G711), MediaProfile.SRTP_OPTIONAL)
    assert ports(answer(session, phone(*G711, port=5000)))[0]


def test_streams_of_a_bundle_share_what_its_first_one_says_of_the_transport(session: Session) -> None:
    """As RFC 9143 §7.1.3 has it; browsers of today say it in each."""
    first, video = CHROME.split(b"m=video")
    shared = (b"a=ice-", b"a=fingerprint", b"a=setup")
    kept = [line for line in video.split(b"\r\n") if not line.startswith(shared)]
    told = offer(session, first + b"m=video" + b"\r\n".join(kept), MediaProfile.RTP)
    assert all(ports(told))
    told = answer(session, VIDEO_PHONE.replace(b"99", b"107"))
    assert all(ports(told))
    one, other = session.legs["a"].streams
    assert one.transport is other.transport


def test_party_is_told_of_the_same_port_and_keys_again(session: Session) -> None:
    first = offer(session, phone(*G711), MediaProfile.SRTP)
    assert offer(session, phone(*G711), MediaProfile.SRTP) == first


def test_browser_is_told_of_the_same_transport_again(session: Session) -> None:
    first = offer(session, VIDEO_PHONE, MediaProfile.WEBRTC)
    assert offer(session, VIDEO_PHONE, MediaProfile.WEBRTC) == first


def test_browser_that_restarts_ice_gets_new_credentials_and_the_same_certificate(session: Session) -> None:
    told = []
    for ufrag in (b"Xq2d", b"Xq2d", b"New1"):
        offer(session, CHROME.replace(b"Xq2d", ufrag), MediaProfile.RTP)
        told.append(answer(session, VIDEO_PHONE.replace(b"99", b"107")))
    ufrags = [re.findall(r"a=ice-ufrag:(\S+)", one)[0] for one in told]
    prints = [re.findall(r"a=fingerprint:(.*)", one)[0] for one in told]
    assert ufrags[0] == ufrags[1] != ufrags[2]
    assert prints[0] == prints[1] == prints[2]


def test_payload_types_never_change_their_meaning(session: Session) -> None:
    """The other side offers later under numbers of its own (RFC 3264 §8.3.2)."""
    offer(session, phone("8 PCMA/8000", "96 telephone-event/8000"), MediaProfile.RTP)
    answer(session, phone("8 PCMA/8000", "96 telephone-event/8000", port=5000))
    later = phone("8 PCMA/8000", "96 opus/48000/2", "97 telephone-event/8000", port=5000)
    told = offer(session, later, MediaProfile.RTP, source="b", target="a")
    assert "a=rtpmap:96 telephone-event/8000" in told
    assert re.search(r"a=rtpmap:(?!96)\d+ opus/48000/2", told)


def test_hold_is_passed_on(session: Session) -> None:
    told = offer(session, phone(*G711, more=("a=sendonly",)), MediaProfile.WEBRTC)
    assert "a=sendonly" in told
    told = offer(
        session, phone(*G711).replace(b"c=IN IP4 127.0.0.1", b"c=IN IP4 0.0.0.0"), MediaProfile.RTP, target="c"
    )
    assert "a=sendonly" in told
    assert "0.0.0.0" not in told


def test_nothing_flows_to_a_party_that_does_not_listen(session: Session) -> None:
    offer(session, phone(*G711, more=("a=sendonly",)), MediaProfile.RTP)
    answer(session, phone(*G711, port=5000, more=("a=recvonly",)))
    a, b = session.legs["a"].streams[0], session.legs["b"].streams[0]
    assert a.map[8] == 8
    assert b.map[8] == DROP


def test_phone_without_g711_is_offered_to_others_with_it(session: Session) -> None:
    told = offer(session, phone("96 opus/48000/2"), MediaProfile.RTP)
    assert streams(told) == ["m=audio RTP/AVP 96 8 0"]
    assert streams(answer(session, phone("8 PCMA/8000", port=5000))) == ["m=audio RTP/AVP 96"]


def test_phone_with_g711_is_offered_with_its_own_codecs_only(session: Session) -> None:
    told = offer(session, phone("8 PCMA/8000", "18 G729/8000"), MediaProfile.RTP)
    assert streams(told) == ["m=audio RTP/AVP 8 18"]


def test_codec_that_no_browser_has_is_not_offered_to_one(session: Session) -> None:
    with pytest.raises(NotAcceptable):
        offer(session, phone("18 G729/8000"), MediaProfile.WEBRTC)


def test_answer_with_other_streams_than_the_offer_is_refused(session: Session) -> None:
    offer(session, phone(*G711), MediaProfile.RTP)
    with pytest.raises(NotAcceptable):
        answer(session, VIDEO_PHONE)


def test_answer_to_nothing_is_refused(session: Session) -> None:
    with pytest.raises(UnknownSession):
        answer(session, phone(*G711))


def test_two_lite_parties_would_wait_for_each_other(session: Session) -> None:
    with pytest.raises(NotAcceptable):
        offer(session, CHROME.replace(b"a=group", b"a=ice-lite\r\na=group"), MediaProfile.RTP)


@pytest.mark.parametrize(
    "more",
    [
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:short",
        "a=crypto:1 AES_256_CM_HMAC_SHA1_80 inline:" + "A" * 62,
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40 + " UNENCRYPTED_SRTP",
        "a=ptime:20",
    ],
    ids=["no key", "unknown suite", "unencrypted", "none at all"],
)
def test_srtp_without_a_usable_key_is_refused(session: Session, more: str) -> None:
    with pytest.raises(NotAcceptable):
        offer(session, phone(*G711, protocol="RTP/SAVP", more=(more,)), MediaProfile.RTP)


def test_everything_is_given_back(session: Session, machinery: Machinery) -> None:
    before = machinery.pool.free
    offer(session, CHROME, MediaProfile.SRTP)
    assert machinery.pool.free == before - 2
    session.close()
    assert machinery.pool.free == before
    assert machinery.hub._names == {}


def test_one_call_can_not_take_all_ports(session: Session, machinery: Machinery) -> None:
    before = machinery.pool.free
    many = phone(*G711, more=tuple(f"m=audio {4000 + 2 * number} RTP/AVP 8" for number in range(1, 60)))
    told = ports(offer(session, many, MediaProfile.RTP))
    assert [bool(port) for port in told] == [True] * MOST_STREAMS + [False] * (60 - MOST_STREAMS)
    assert before - machinery.pool.free == 2 * MOST_STREAMS
    assert [bool(port) for port in ports(answer(session, many))] == [bool(port) for port in told]


def test_dropped_party_gives_back_its_ports_and_the_other_one_stays(session: Session, machinery: Machinery) -> None:
    offer(session, phone(*G711), MediaProfile.RTP)
    answer(session, phone(*G711, port=5000))
    free = machinery.pool.free
    session.drop("b")
    assert machinery.pool.free == free + 1
    assert session.legs["a"].streams[0].across is None


def test_description_without_streams_stays_without(session: Session) -> None:
    assert streams(offer(session, text(*HEAD), MediaProfile.RTP)) == []
