"""What the chat's benchmark makes of what it hears, and of what it counts. The benchmark itself is no test."""

from dataclasses import replace

import pytest

from tests.benchmarks import chat_frames as frames
from tests.benchmarks.answers import percentile
from tests.benchmarks.chat_clients import Tally
from tests.benchmarks.chat_report import ChatResults, ChatRun, Memory, markdown
from tests.benchmarks.conditions import Conditions
from web.live.frames import unmask

EVENT = (
    b'42["event",{"seq":9,"type":"message.sent","data":{"message":{"id":9,"conversation":1,'
    b'"text":"417 Could you take line 2?"}}}]'
)
GOOD = ChatRun(
    rate=200,
    seconds=60,
    sent=1000,
    stored=1000,
    expected=20_000,
    delivered=20_000,
    refused=(),
    ends=(),
    used={"all": 2.6, "web": 2.0},
    p50=4.0,
    p99=40.0,
    most=90.0,
    late=1.0,
    generator=0.2,
    load=0.5,
)
FACTS = Conditions("CPU", 2, 24.0, "Linux", "Python", "5.6.3", "3.6.1", "uvloop", 0, 1, "niceness 0", 0.5, "python ...")


def server_frame(payload: bytes, opcode: int = frames.TEXT) -> bytes:
    """A frame as a server sends it."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, size)) + payload
    if size < 1 << 16:
        return bytes((0x80 | opcode, 126)) + size.to_bytes(2, "big") + payload
    return bytes((0x80 | opcode, 127)) + size.to_bytes(8, "big") + payload


@pytest.mark.parametrize("size", [0, 5, 125, 126, 4000])
def test_frame_of_a_client_says_its_length_and_is_masked(size: int) -> None:
    octets = frames.frame(b"x" * size)
    begin = 2 if size < 126 else 4
    length = octets[1] & 0x7F if size < 126 else int.from_bytes(octets[2:4], "big")
    assert (octets[0], octets[1] & 0x80, length) == (0x81, 0x80, size)
    assert unmask(octets[begin + 4 :], octets[begin : begin + 4]) == b"x" * size


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 1000, 100_000])
def test_frames_are_read_however_they_are_cut(piece: int) -> None:
    said = [b"2", b"x" * 125, b"y" * 126, b"z" * 70_000, b""]
    stream = b"".join(map(server_frame, said)) + server_frame(b"\x03\xe8", frames.CLOSE)
    reader = frames.Frames()
    heard = [one for place in range(0, len(stream), piece) for one in reader.take(stream[place : place + piece])]
    assert heard == [*((frames.TEXT, one) for one in said), (frames.CLOSE, b"\x03\xe8")]


def test_frame_in_fragments_is_not_taken_for_a_whole_one() -> None:
    with pytest.raises(frames.BadAnswer, match="fragments"):
        list(frames.Frames().take(b"\x01\x01x"))


@pytest.mark.parametrize("piece", [1, 10, 1000])
def test_answers_of_http_are_read_however_they_are_cut(piece: int) -> None:
    stream = b"HTTP/1.1 201 CREATED\r\ncontent-length: 4\r\n\r\n{} \nHTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"
    reader = frames.Answers()
    heard = [one for place in range(0, len(stream), piece) for one in reader.take(stream[place : place + piece])]
    assert heard == [(201, b"{} \n"), (503, b"")]


def test_what_comes_with_the_answer_to_an_upgrade_is_left_to_the_websocket() -> None:
    reader = frames.Answers()
    upgraded = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n" + server_frame(b"0{}")
    assert next(reader.take(upgraded)) == (101, b"")
    assert list(frames.Frames().take(reader.rest())) == [(frames.TEXT, b"0{}")]


def test_event_tells_which_message_it_brings() -> None:
    assert frames.sent_number(EVENT) == 417
    assert frames.sent_number(EVENT.replace(b"message.sent", b"message.changed")) is None
    assert frames.message(417, "run")["text"].startswith("417 ")


def test_deliveries_and_answers_are_counted() -> None:
    tally = Tally(0.0)
    tally.sent.extend([0.0] * 418)
    tally.heard(EVENT)
    tally.heard(b'42["event",{"seq":null,"type":"presence.changed","data":{}}]')
    tally.heard(b'437[{"ok":{"id":9}}]')
    tally.heard(b'438[{"error":{"code":"too-many"}}]')
    tally.answered(201, b"{}")
    assert (len(tally.delays), tally.stored, len(tally.refused)) == (1, 2, 1)


def test_percentile_is_the_nearest_value_that_was_measured() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert [percentile(values, share) for share in (0.0, 0.5, 0.99, 1.0)] == [1, 50, 99, 100]
    assert percentile([7.0], 0.99) == 7.0
    assert percentile([], 0.5) is None


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"delivered": 19_999}, "19999 deliveries instead of 20000"),
        ({"stored": 990}, "10 of 1000 messages had no answer"),
        ({"refused": ("429 too much",)}, "1 messages were refused: 429 too much"),
        ({"ends": ("gone",)}, "1 connections ended: gone"),
        ({"late": 80.0}, "the load was 80 ms behind its time at p99"),
        ({"sent": 0, "stored": 0, "expected": 0, "delivered": 0}, "nothing was sent"),
    ],
)
def test_run_in_which_something_is_missing_is_told_and_not_quoted(change: dict[str, object], problem: str) -> None:
    bad = replace(GOOD, **change)  # type: ignore[arg-type]
    assert (GOOD.problem, bad.problem) == (None, problem)
    page = markdown(ChatResults(FACTS, 500, 500, 20, "api", runs=[bad]))
    assert f"failed: {problem}" in page
    assert "Medians" not in page


def test_page_has_medians_memory_and_whether_goals_are_met() -> None:
    slow = replace(GOOD, used={"all": 4.0, "web": 3.0}, p99=200.0)
    before, connected = {"all": 250.0, "web": 80.0}, {"all": 350.0, "web": 180.0}
    memory = Memory(5000, before, connected, connected, connect_seconds=50, connect_cpu=20)
    page = markdown(ChatResults(FACTS, 5000, 5000, 20, "socket", runs=[GOOD, GOOD, slow], memory=memory))
    assert "Medians: 0.130 ms (met), p99 40.0 ms (met)." in page
    assert "4.0 ms of CPU each" in page
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| ")]
    assert ["all", "262", "367", "367", "21.0"] in rows
    assert ["3", "1000 at 200/s", "20000", "0.200", "0.150", "4.0 / 200.0 / 90", "0.5"] in rows
