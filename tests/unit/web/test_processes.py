"""The panel says of each process whether it is there, without asking it."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.data import DataFolder
from config.loader import load_settings
from pbx.doorbell import Doorbell
from web.processes import listens_since, others


@pytest.fixture
def data(tmp_path: Path) -> DataFolder:
    folder = DataFolder(tmp_path / "data")
    folder.create()
    return folder


@pytest.fixture
def media(data: DataFolder) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(data.media_socket(1)))
        listener.listen()
        yield listener


def test_processes_that_are_there_are_told_from_those_that_are_not(data: DataFolder, media: socket.socket) -> None:
    settings = load_settings(data, environ={"GORIZONT_MEDIA__WORKERS": "2"})
    with Doorbell(data.worker_bell) as bell:
        found = {one.name: one.since is not None for one in others(settings, data)}
        assert not bell.wait(0)  # looking is not ringing
    assert found == {"media 0": False, "media 1": True, "worker": True}
    assert [one.since for one in others(settings, data) if one.name == "worker"] == [None]


def test_process_is_as_old_as_its_socket(data: DataFolder, media: socket.socket) -> None:
    os.utime(data.media_socket(1), (1_780_000_000, 1_780_000_000))
    since = listens_since(data.media_socket(1), socket.SOCK_STREAM)
    assert since is not None
    assert since.timestamp() == 1_780_000_000


def test_process_that_was_killed_left_its_socket_and_is_away(data: DataFolder, media: socket.socket) -> None:
    media.close()
    assert data.media_socket(1).exists()
    assert listens_since(data.media_socket(1), socket.SOCK_STREAM) is None
