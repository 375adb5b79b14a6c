"""`settings.py` and `defaults.toml` tell of the same keys, and every key is explained."""

import tomllib
from typing import get_type_hints

import pytest

from config.loader import DEFAULTS
from config.settings import Settings

KEYS = {
    f"[{section}] {key}"
    for section, cls in get_type_hints(Settings).items()
    for key in get_type_hints(cls, include_extras=True)
}


def test_defaults_hold_exactly_the_keys_of_the_settings() -> None:
    content = tomllib.loads(DEFAULTS.read_text(encoding="utf-8"))
    assert {f"[{section}] {key}" for section, keys in content.items() for key in keys} == KEYS


def documented() -> dict[str, str]:
    """The comment right above each key of defaults.toml."""
    found, section, comment = {}, "", ""
    for line in DEFAULTS.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            comment = line.removeprefix("#").strip()
        elif line.startswith("["):
            section, comment = line, ""
        elif line:
            found[f"{section} {line.partition(' = ')[0]}"] = comment
            comment = ""
    return found


@pytest.mark.parametrize("key", sorted(KEYS))
def test_every_key_has_a_sentence_of_documentation(key: str) -> None:
    comment = documented()[key]
    assert len(comment.split()) >= 3
    assert comment.endswith(".")
