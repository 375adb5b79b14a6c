"""How a call ended goes to the page as a code, which it has words for in its own language."""

import re
from pathlib import Path

import pytest

from pbx.calls import causes
from web.causes import CauseCode, cause_of

TEXTS = Path(__file__).parents[3] / "web" / "client" / "src" / "i18n"


@pytest.mark.parametrize(
    ("said", "code", "detail"),
    [
        ("nobody answered", CauseCode.NOBODY_ANSWERED, ""),
        ("failed: 500 Server Internal Error", CauseCode.FAILED, "500 Server Internal Error"),
        ("caller was lost: session expired", CauseCode.CALLER_LOST, "session expired"),
        ("transferred to 103", CauseCode.TRANSFERRED, "103"),
        ("transferred while it rang", CauseCode.TRANSFERRED_RINGING, ""),
        # What another version wrote, and what only looks like a code.
        ("parked for good", CauseCode.OTHER, "parked for good"),
        ("other", CauseCode.OTHER, "other"),
        ("transferred", CauseCode.OTHER, "transferred"),
        ("", CauseCode.OTHER, ""),
    ],
)
def test_what_a_record_says_becomes_a_code(said: str, code: CauseCode, detail: str) -> None:
    assert cause_of(said) == (code, detail)


def test_everything_that_a_call_can_say_has_a_code() -> None:
    assert [said for said in causes._RUSSIAN if cause_of(said)[0] is CauseCode.OTHER] == []


@pytest.mark.parametrize("language", ["en", "ru"])
def test_page_has_words_for_every_code(language: str) -> None:
    texts = (TEXTS / language / "phone.ts").read_text(encoding="utf-8")
    block = re.search(r"\n    cause: \{(.*?)\n    \},", texts, re.DOTALL)
    assert block is not None
    words = set(re.findall(r"(?:^|[\s,{])\"?([a-z-]+)\"?: \"", block[1]))
    assert words == set(CauseCode) - {CauseCode.OTHER}
