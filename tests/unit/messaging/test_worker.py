"""The worker: thumbnails, uploads that nobody finished, and the nightly sweep."""

import os
import signal
import subprocess
import sys
import threading
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from PIL import Image

from config.data import DataFolder
from config.migrations import upgrade
from messaging.attachments import begin_upload, has_news_of_thumbnails
from messaging.messages import show_thumbnails, timeline
from pbx.doorbell import Doorbell, ring
from pbx.retention.service import set_policy
from pbx.storage.engine import open_database
from pbx.supervisor.child import READY, READY_FD
from tests.unit.messaging.conftest import LIMITS, Chat
from web.shift import Worker, is_due

MOSCOW = ZoneInfo("Europe/Moscow")
ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


@pytest.fixture
def bell(tmp_path: Path) -> Path:
    return tmp_path / "bell.sock"


@pytest.fixture
def worker(chat: Chat, tmp_path: Path, bell: Path) -> Worker:
    return Worker(
        chat.store,
        chat.files,
        bell=bell,
        stamp=tmp_path / "last-sweep",
        sweep_hour=3,
        local_now=lambda: chat.now.astimezone(MOSCOW),
        stop=threading.Event(),
    )


def png(tmp_path: Path) -> bytes:
    Image.new("RGB", (900, 300)).save(tmp_path / "a.png")
    return (tmp_path / "a.png").read_bytes()


def test_picture_gets_its_thumbnail_and_the_web_process_a_ring(
    chat: Chat,
    worker: Worker,
    bell: Path,
    tmp_path: Path,
) -> None:
    direct = chat.direct("101", "102")
    picture = chat.upload("101", "photo.png", png(tmp_path))
    chat.say(direct, "101", attachments=[picture.id])
    with Doorbell(bell) as heard:
        assert worker.look_at_pictures() == 1
        assert heard.wait(5)
        assert not heard.wait(0)
    assert chat.do(show_thumbnails) == 1
    ((shown,),) = [message.attachments for message in chat.read(timeline, direct, actor="102").messages]
    assert (shown.has_thumbnail, shown.width, shown.height) == (True, 900, 300)
    assert worker.look_at_pictures() == 0


def test_damaged_picture_is_looked_at_once(chat: Chat, worker: Worker) -> None:
    chat.upload("101", "photo.png", b"\x89PNG\r\n\x1a\n" + bytes(60))
    assert worker.look_at_pictures() == 1
    assert worker.look_at_pictures() == 0
    assert not chat.read(has_news_of_thumbnails)


def test_uploads_whose_time_is_up_go_from_disk_and_database(chat: Chat, worker: Worker) -> None:
    upload = chat.do(begin_upload, "half.txt", 100, actor="101", limits=LIMITS)
    chat.files.create(upload)
    assert worker.remove_files() == 0
    chat.now += timedelta(days=1)
    assert worker.remove_files() == 1
    assert not chat.files.path(upload).exists()
    assert worker.remove_files() == 0


def test_night_leaves_no_file_of_what_it_removed(chat: Chat, worker: Worker) -> None:
    direct = chat.direct("101", "102")
    file = chat.upload("101")
    chat.say(direct, "101", "old", attachments=[file.id])
    chat.do(set_policy, {"messages": 1}, actor="101")
    worker.sweep_if_due()
    chat.now += timedelta(days=3)
    assert worker.sweep_if_due()
    assert worker.remove_files() == 1
    assert not chat.files.path(file.id).exists()
    assert worker.remove_files() == 0


def test_sweep_is_made_once_a_night(chat: Chat, worker: Worker) -> None:
    direct = chat.direct("101", "102")
    chat.say(direct, "101", "old")
    chat.do(set_policy, {"messages": 1}, actor="101")
    chat.now += timedelta(days=2)
    assert not worker.sweep_if_due()  # the first start is no night
    assert len(chat.read(timeline, direct, actor="101").messages) == 1
    chat.now += timedelta(days=1)
    assert worker.sweep_if_due()
    assert chat.read(timeline, direct, actor="101").messages == ()
    chat.now += timedelta(hours=1)
    assert not worker.sweep_if_due()


@pytest.mark.parametrize(
    ("last", "now", "due"),
    [
        ("2026-12-01T02:59:59", "2026-12-01T03:00:00", True),
        ("2026-12-01T03:00:00", "2026-12-01T23:00:00", False),
        ("2026-12-01T03:00:00", "2026-12-02T02:59:59", False),
        ("2026-12-01T12:00:00", "2026-12-05T12:00:00", True),  # a machine that was off for days
    ],
)
def test_night_begins_at_its_hour(backend: str, last: str, now: str, due: bool) -> None:
    times = [datetime.fromisoformat(one).replace(tzinfo=MOSCOW) for one in (last, now)]
    assert is_due(times[0], times[1], 3) is due


def test_ring_at_nobody_is_no_error(backend: str, tmp_path: Path) -> None:
    ring(tmp_path / "nobody.sock")
    with Doorbell(tmp_path / "bell.sock"), Doorbell(tmp_path / "bell.sock") as second:  # of a restarted process
        ring(tmp_path / "bell.sock")
        assert second.wait(5)


def test_process_says_that_it_is_ready_and_ends_at_once_when_told(backend: str, tmp_path: Path) -> None:
    data = DataFolder(tmp_path / "data")
    data.create()
    engine = open_database(f"sqlite:///{data.database}")
    upgrade(engine)
    engine.dispose()
    mine, its = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "web.worker", "--data", str(data.root)],
        cwd=ROOT,
        env={**os.environ, READY_FD: str(its)},
        pass_fds=(its,),
        stderr=subprocess.PIPE,
    )
    os.close(its)
    try:
        assert os.read(mine, len(READY)) == READY
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        os.close(mine)
        process.kill()
        _, said = process.communicate()
    assert said == b""
    assert not data.worker_bell.exists()


@pytest.mark.parametrize(
    ("what", "words"),
    [("os.kill(os.getpid(), 9)", "ended by signal 9"), ("1 / 0", "division by zero")],
    ids=["killed", "defective"],
)
def test_shift_that_fails_ends_the_worker_so_that_it_is_started_anew_with_a_pause(
    backend: str, tmp_path: Path, what: str, words: str
) -> None:
    data = DataFolder(tmp_path / "data")
    data.create()
    code = f"import os, sys, web.shift, web.worker; web.shift.work = lambda *_: {what}; sys.exit(web.worker.main())"
    command = [sys.executable, "-c", code, "--data", str(data.root)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 1
    assert words in done.stderr
    assert not data.worker_bell.exists()


def test_nobody_waits_for_the_database_while_files_are_removed(
    chat: Chat, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat.do(begin_upload, "plan.txt", 5, actor="101", limits=LIMITS)
    chat.now += timedelta(days=2)
    direct, removed = chat.direct("101", "102"), []

    def remove(file: str) -> None:
        chat.say(direct, "101")  # fails after a while where a writer is at work
        removed.append(file)

    monkeypatch.setattr(chat.files, "remove", remove)
    assert worker.remove_files() == len(removed) == 1
