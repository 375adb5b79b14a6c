"""What the media process says itself: the echo test, tones, music for those who wait."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pbx.media.errors import MediaError
from pbx.media.plane import MediaProfile
from tests.scenarios.media.browsers import Browser
from tests.scenarios.media.carriers import Carrier, WorkerProcess, embedded
from tests.scenarios.media.loops import LoopThread
from tests.scenarios.media.parties import EVENTS, G722, OPUS, PCMA, PCMU, Format, Party
from tests.scenarios.media.test_encryption import CM_80
from tests.scenarios.media.test_relay import A, B, connect
from tests.support.ports import reserve
from tests.support.tones import write_tone

MakeParty = Callable[..., Party]
MakeBrowser = Callable[..., Browser]
RECORDED = 620.0  # Hz


@pytest.fixture
def with_sounds(thread: LoopThread, tmp_path: Path) -> Iterator[Carrier]:
    """A media process whose admin has recorded what is said before the echo test."""
    (tmp_path / "sounds").mkdir()
    write_tone(tmp_path / "sounds" / "echo.wav", RECORDED, seconds=1.0, rate=48_000)
    first = reserve(1)
    worker = WorkerProcess(tmp_path, (first, first + 63), sounds=tmp_path / "sounds")
    worker.start()
    carrier = embedded(thread, [worker.socket])
    yield carrier
    carrier.close()
    worker.stop()


@pytest.mark.parametrize("suites", [[], [CM_80]], ids=["plain", "encrypted"])
def test_echo_gives_a_phone_its_own_voice(carrier: Carrier, session: str, party: MakeParty, suites: list[str]) -> None:
    a = party(A, suites=suites)
    a.take(carrier.echo(session, a.description()))
    assert a.hears(A)
    carrier.delete(session)


def test_echo_gives_a_browser_its_own_voice_and_picture(carrier: Carrier, session: str, browser: MakeBrowser) -> None:
    a = browser(A, video="VP8", brightness=150)
    a.take(carrier.echo(session, a.offer()))
    assert a.hears(A)
    assert a.sees(150)
    carrier.delete(session)


@pytest.mark.parametrize("codec", [PCMU, PCMA, G722, OPUS], ids=lambda codec: codec.name)
def test_prompt_is_played_to_the_end(carrier: Carrier, session: str, party: MakeParty, codec: Format) -> None:
    a = party(A, [codec, EVENTS])
    a.take(carrier.attend(session, a.description()))
    ended = carrier.play(session, "busy")
    assert a.hears(425.0)
    assert ended.get(timeout=5) is None
    carrier.delete(session)


def test_recorded_sound_is_heard_and_then_the_echo(with_sounds: Carrier, session: str, party: MakeParty) -> None:
    a = party(A)
    a.take(with_sounds.echo(session, a.description()))
    ended = with_sounds.play(session, "echo")
    assert a.hears(RECORDED)
    assert ended.get(timeout=5) is None
    assert a.hears(A)
    with_sounds.delete(session)


def test_browser_hears_a_recorded_sound_from_its_beginning(
    with_sounds: Carrier, session: str, browser: MakeBrowser
) -> None:
    a = browser(A)
    description = with_sounds.echo(session, a.offer())
    ended = with_sounds.play(session, "echo")  # long before its media is encrypted
    a.take(description)
    assert a.hears(RECORDED)
    assert ended.get(timeout=5) is None
    assert a.hears(A)
    with_sounds.delete(session)


def test_sound_that_nobody_has_recorded_is_over_at_once(carrier: Carrier, session: str, party: MakeParty) -> None:
    a = party(A)
    a.take(carrier.echo(session, a.description()))
    assert carrier.play(session, "echo").get(timeout=5) is None
    assert a.hears(A)
    carrier.delete(session)


def test_prompt_is_repeated_until_it_is_stopped(carrier: Carrier, session: str, party: MakeParty) -> None:
    a = party(A)
    a.take(carrier.attend(session, a.description()))
    ended = carrier.play(session, "beep", repeat=True)
    assert a.hears(1000.0)
    assert a.hears(1000.0)
    assert ended.empty()
    carrier.stop_play(session)
    assert ended.get(timeout=5) is None
    assert not a.hears(1000.0, timeout=1.0)
    carrier.delete(session)


def test_browser_hears_a_prompt(carrier: Carrier, session: str, browser: MakeBrowser) -> None:
    a = browser(A)
    a.take(carrier.attend(session, a.offer()))
    ended = carrier.play(session, "busy", repeat=True)
    assert a.hears(425.0)
    carrier.stop_play(session)
    assert ended.get(timeout=5) is None
    carrier.delete(session)


def test_held_party_hears_music_and_then_the_other_one_again(carrier: Carrier, session: str, party: MakeParty) -> None:
    a, b = party(A), party(B)
    connect(carrier, session, a, b)
    assert a.hears(B)
    ended = carrier.play(session, "busy", target="a", repeat=True)
    assert a.hears(425.0)
    carrier.stop_play(session, "a")
    assert ended.get(timeout=5) is None
    assert a.hears(B)
    if carrier.name == "embedded":
        assert len({packet[8:12] for packet in a.packets}) == 1, "the listener sees one source throughout"
    carrier.delete(session)


def test_end_of_the_session_is_the_end_of_the_prompt(carrier: Carrier, session: str, party: MakeParty) -> None:
    a = party(A)
    a.take(carrier.attend(session, a.description()))
    ended = carrier.play(session, "waiting", repeat=True)
    assert a.waits_until(lambda: len(a.packets) > 5)
    carrier.delete(session)
    assert ended.get(timeout=5) is None or True


def test_unknown_prompt_is_refused(carrier: Carrier, session: str, party: MakeParty) -> None:
    a = party(A)
    a.take(carrier.attend(session, a.description()))
    failure = carrier.play(session, "no such thing").get(timeout=5)
    assert isinstance(failure, MediaError)
    assert failure.status == 404
    carrier.delete(session)


def test_party_that_speaks_nothing_we_know_is_refused(
    embedded_carrier: Carrier, session: str, party: MakeParty
) -> None:
    a = party(A, [Format(18, "G729")])
    with pytest.raises(MediaError) as failure:
        embedded_carrier.attend(session, a.description())
    assert failure.value.status == 488


@pytest.mark.parametrize(
    ("one", "other"), [(OPUS, PCMA), (OPUS, PCMU), (G722, PCMA)], ids=["Opus-PCMA", "Opus-PCMU", "G722-PCMA"]
)
def test_parties_without_a_common_codec_understand_each_other(
    embedded_carrier: Carrier, session: str, party: MakeParty, one: Format, other: Format
) -> None:
    a, b = party(A, [one, EVENTS]), party(B, [other, EVENTS])
    connect(embedded_carrier, session, a, b)
    assert a.hears(B)
    assert b.hears(A)
    a.press(3)
    assert b.waits_until(lambda: 3 in b.events())
    embedded_carrier.delete(session)


def test_parties_with_nothing_in_common_are_refused(embedded_carrier: Carrier, session: str, party: MakeParty) -> None:
    a, b = party(A, [PCMU]), party(B, [PCMU])
    offer = embedded_carrier.offer(session, a.description())
    answer = b.description(answer_to=offer).replace(b"RTP/AVP 0", b"RTP/AVP 18").replace(b"0 PCMU", b"18 G729")
    with pytest.raises(MediaError) as failure:
        embedded_carrier.answer(session, answer)
    assert failure.value.status == 488
    embedded_carrier.delete(session)


def test_browser_with_opus_alone_reaches_a_phone_with_g711_alone(
    embedded_carrier: Carrier, session: str, browser: MakeBrowser, party: MakeParty
) -> None:
    a, b = browser(A, codecs=("opus",)), party(B, [PCMA])
    offer = embedded_carrier.offer(session, a.offer(), MediaProfile.RTP)
    a.take(embedded_carrier.answer(session, b.description(answer_to=offer)))
    assert a.hears(B)
    assert b.hears(A)
    embedded_carrier.delete(session)
