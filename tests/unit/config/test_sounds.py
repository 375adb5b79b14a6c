"""A folder of sounds is looked at before anything starts: what can't be played is said with its name."""

import wave
from pathlib import Path

import pytest

from config.data import DataFolder
from config.errors import SettingError
from config.loader import load_settings
from config.sounds import SOUNDS
from pbx.media.relay.prompts import PROMPTS


def write(path: Path, *, rate: int = 8000, octets: int = 2, channels: int = 1, seconds: float = 0.1) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, octets, rate, 0, "NONE", ""))
        file.writeframes(bytes(octets * channels * int(seconds * rate)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "sounds"
    made.mkdir()
    return made


def load(folder: Path) -> Path | None:
    data = DataFolder(folder.parent)
    return load_settings(data, environ={"GORIZONT_MEDIA__SOUNDS": str(folder)}).media.sounds


@pytest.mark.parametrize("rate", [8000, 16_000, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_good_sound_is_taken(folder: Path, rate: int, channels: int) -> None:
    write(folder / "echo.wav", rate=rate, channels=channels)
    (folder / ".notes").touch()
    assert load(folder) == folder


def test_there_is_none_by_default(tmp_path: Path) -> None:
    assert load_settings(DataFolder(tmp_path), environ={}).media.sounds is None


def test_relative_folder_counts_from_the_file_that_names_it(folder: Path) -> None:
    (folder.parent / "gorizont.toml").write_text('[media]\nsounds = "sounds"\n')
    assert load_settings(DataFolder(folder.parent), environ={}).media.sounds == folder


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"rate": 44_100}, "44100 Hz"),
        ({"octets": 1}, "8 bits"),
        ({"octets": 3}, "24 bits"),
        ({"channels": 3}, "3 channels"),
        ({"seconds": 0}, "0 s long"),
        ({"seconds": 121}, "121 s long"),
    ],
)
def test_sound_that_cannot_be_played_is_refused(folder: Path, values: dict[str, int], said: str) -> None:
    write(folder / "echo.wav", **values)
    with pytest.raises(SettingError, match=rf"\[media\] sounds from .*echo\.wav .*{said}"):
        load(folder)


@pytest.mark.parametrize("octets", [b"", b"RIFF", b"ID3 this is music", b"RIFF\x24\0\0\0WAVE"])
def test_what_is_no_sound_is_refused(folder: Path, octets: bytes) -> None:
    (folder / "echo.wav").write_bytes(octets)
    with pytest.raises(SettingError, match=r"echo\.wav is no WAV file with PCM"):
        load(folder)


@pytest.mark.parametrize("name", ["ehco.wav", "echo.mp3", "echo.WAV"])
def test_file_that_would_never_be_played_is_refused(folder: Path, name: str) -> None:
    write(folder / name)
    with pytest.raises(SettingError, match=rf"{name} is nothing that is played; there can be echo\.wav"):
        load(folder)


def test_missing_folder_is_refused(folder: Path) -> None:
    with pytest.raises(SettingError, match="is no folder"):
        load(folder / "elsewhere")


def test_sounds_that_can_be_given_are_prompts() -> None:
    assert set(SOUNDS) <= set(PROMPTS)
