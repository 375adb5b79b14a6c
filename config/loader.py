"""From files and environment to `Settings`.

Defaults, then the TOML file, then environment variables GORIZONT_SECTION__KEY; the later wins, key by
key. Whatever is wrong is said in one line with the key, the value, where it was written and what is
allowed there.
"""

import dataclasses
import os
import socket
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast, get_type_hints

from config.data import DataFolder
from config.errors import FileError, SettingError
from config.kinds import Kind
from config.settings import Settings
from config.sounds import check_sounds

DEFAULTS = Path(__file__).with_name("defaults.toml")
PREFIX = "GORIZONT_"


@dataclass(frozen=True, slots=True)
class Written:
    """A value as somebody wrote it, where, and the folder that relative paths in it count from."""

    value: object
    where: str
    folder: Path


Key = tuple[str, str]  # section and key


def load_settings(data: DataFolder, file: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings of an installation.

    `file` is the configuration file to read, which must exist; without it the data folder's
    `gorizont.toml` is read if there is one. Raises SettingError and FileError.
    """
    written = dict(_from_file(DEFAULTS))
    if file is None and data.config_file.exists():
        file = data.config_file
    if file is not None:
        written.update(_from_file(file))
    written.update(_from_environment(environ))
    _fill_in(written, data)

    sections = {}
    for section, keys in _kinds().items():
        values = {key: _read(section, key, kind, written[section, key]) for key, kind in keys.items()}
        sections[section] = get_type_hints(Settings)[section](**values)
    settings = Settings(**sections)
    _check_together(settings, written)
    return settings


@cache
def _kinds() -> dict[str, dict[str, Kind]]:
    """The kind of every key, by section."""
    return {
        section: {
            key: cast(Kind, hint.__metadata__[0]) for key, hint in get_type_hints(cls, include_extras=True).items()
        }
        for section, cls in get_type_hints(Settings).items()
    }


def _from_file(file: Path) -> Iterable[tuple[Key, Written]]:
    """What a TOML file says, with unknown sections and keys refused."""
    try:
        content = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise FileError(f"cannot read the configuration {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise FileError(f"the configuration {file} is not UTF-8 text: octet {error.start}") from error
    except tomllib.TOMLDecodeError as error:
        raise FileError(f"the configuration {file} is not valid TOML: {error}") from error
    for section, values in content.items():
        if not isinstance(values, dict):
            raise SettingError(f"{section} in {file} stands outside of a section like [sip]")
        for key, value in values.items():
            _check_known(section, key, str(file))
            where = "the defaults" if file == DEFAULTS else str(file)
            yield (section, key), Written(value, where, file.absolute().parent)
        if not values:
            _check_known(section, None, str(file))


def _from_environment(environ: Mapping[str, str]) -> Iterable[tuple[Key, Written]]:
    """What GORIZONT_SECTION__KEY variables say; others, like GORIZONT_DATA, are not settings."""
    kinds = _kinds()
    for name, text in sorted(environ.items()):
        if not name.startswith(PREFIX) or "__" not in name:
            continue
        section, _, key = name.removeprefix(PREFIX).lower().partition("__")
        where = f"environment variable {name}"
        _check_known(section, key, where)
        yield (section, key), Written(kinds[section][key].from_text(text), where, Path.cwd())


def _check_known(section: str, key: str | None, where: str) -> None:
    """Raises SettingError for a section or key that does not exist, with the nearest that does."""
    kinds = _kinds()
    if section not in kinds:
        raise SettingError(f"unknown section [{section}] in {where}: {_nearest(section, kinds, 'sections')}")
    if key is not None and key not in kinds[section]:
        raise SettingError(f"unknown key [{section}] {key} in {where}: {_nearest(key, kinds[section], 'keys')}")


def _nearest(name: str, known: Iterable[str], what: str) -> str:
    """A hint at the name that was probably meant."""
    names = list(known)
    import difflib  # needed once in a blue moon, and not small

    close = difflib.get_close_matches(name, names, n=1)
    hint = f'did you mean "{close[0]}"? ' if close else ""
    return f"{hint}The known {what} are {', '.join(names)}"


def _fill_in(written: dict[Key, Written], data: DataFolder) -> None:
    """Gives the keys whose default depends on the machine or the data folder their value."""
    own = "certificate", "private_key"
    empty = [key for key in own if written["sip", key].value == ""]
    if len(empty) == 1:
        (given,) = set(own) - set(empty)
        raise SettingError(
            f"[sip] {given} is set in {written['sip', given].where}, but [sip] {empty[0]} is empty: "
            "a certificate and its key are set together, or neither"
        )
    for section, key, value, where in (
        ("sip", "domain", socket.gethostname(), "the name of this machine"),
        ("sip", "certificate", str(data.certificate), "the data folder"),
        ("sip", "private_key", str(data.private_key), "the data folder"),
        ("database", "url", f"sqlite:///{data.database.absolute()}", "the data folder"),
        ("files", "folder", str(data.files), "the data folder"),
        ("bus", "url", f"unix:{data.engine_socket.absolute()}", "the data folder"),
    ):
        if written[section, key].value == "":
            written[section, key] = Written(value, where, data.root)


def _read(section: str, key: str, kind: Kind, written: Written) -> Any:
    """One value, checked by its kind. Raises SettingError."""
    try:
        value = kind.read(written.value)
    except ValueError as error:
        hint = f" ({error})" if str(error) else ""
        raise SettingError(
            f"[{section}] {key} = {kind.shown(written.value)} from {written.where}: expected {kind.allowed}{hint}"
        ) from error
    return written.folder / value if isinstance(value, Path) else value


def _check_together(settings: Settings, written: Mapping[Key, Written]) -> None:
    """Refuses values that are good alone and contradict each other. Raises SettingError."""
    for section, low, high in (
        ("sip", "expires_min", "expires_default"),
        ("sip", "expires_default", "expires_max"),
        ("sip", "session_min_se", "session_expires"),
    ):
        values = dataclasses.asdict(getattr(settings, section))
        if values[low] > values[high]:
            raise SettingError(
                f"[{section}] {low} = {values[low]} from {written[section, low].where} is more than "
                f"{high} = {values[high]} from {written[section, high].where}"
            )
    if settings.media.sounds is not None:
        try:
            check_sounds(settings.media.sounds)
        except ValueError as error:
            raise SettingError(f"[media] sounds from {written['media', 'sounds'].where}: {error}") from error
