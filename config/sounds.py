"""The folder with sound files of the admin's, and what has to be true of each of them to be played."""

from dataclasses import dataclass
from pathlib import Path

from config.kinds import FilePath

SOUNDS = ("echo",)  # what can be given: a file is named as the sound is
RATES = (8000, 16_000, 48_000)  # Hz
LONGEST = 120.0  # seconds


@dataclass(frozen=True)
class SoundFolder(FilePath):
    """The path of a folder with WAV files; None for none, as empty text says."""

    allowed: str = 'the path of a folder with WAV files, or "" for none'

    def read(self, value: object) -> Path | None:  # type: ignore[override]  # empty text has a meaning here
        return super().read(value) if value != "" else None


def check_sounds(folder: Path) -> None:
    """Looks at every file of the folder. Raises ValueError, which says what is wrong with which."""
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder")
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.suffix != ".wav" or path.stem not in SOUNDS:
            known = ", ".join(f"{name}.wav" for name in SOUNDS)
            raise ValueError(f"{path} is nothing that is played; there can be {known}")
        _check(path)


def _check(path: Path) -> None:
    import wave  # most have no sounds

    try:
        with wave.open(str(path), "rb") as file:
            channels, octets, rate, count, *_ = file.getparams()
    except OSError as error:
        raise ValueError(f"{path} can't be read: {error.strerror}") from error
    except (wave.Error, EOFError) as error:
        raise ValueError(f"{path} is no WAV file with PCM: {str(error) or 'it is cut off'}") from error
    if rate not in RATES or octets != 2 or channels not in (1, 2):
        raise ValueError(
            f"{path} has {rate} Hz, {8 * octets} bits and {channels} channels; "
            "8000, 16000 or 48000 Hz, 16 bits and 1 or 2 channels are played"
        )
    if not 0 < count / rate <= LONGEST:
        raise ValueError(f"{path} is {count / rate:.0f} s long; up to {LONGEST:.0f} s are played")
