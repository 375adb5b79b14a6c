"""How a call ended, in the reader's language."""

import pytest

from pbx.calls.call import _CAUSES
from pbx.calls.causes import in_words
from pbx.routing.words import Language


@pytest.mark.parametrize(
    ("stored", "russian"),
    [
        ("nobody answered", "никто не ответил"),
        ("callee hung up", "ответивший положил трубку"),
        ("transferred to 103", "переведён на 103"),
        ("ended by an administrator", "завершён администратором"),
        # The words of the network and of another version stay.
        ("failed: 500 Server Internal Error", "сбой: 500 Server Internal Error"),
        ("caller was lost: session expired", "пропала связь со звонившим: session expired"),
        ("parked for good", "parked for good"),
        ("", ""),
    ],
)
def test_cause_is_told_in_russian_and_stays_in_english(stored: str, russian: str) -> None:
    assert in_words(stored, Language.RUSSIAN) == russian
    assert in_words(stored, Language.ENGLISH) == stored


@pytest.mark.parametrize("cause", _CAUSES.values())
def test_each_cause_of_a_call_that_nobody_took_has_russian_words(cause: str) -> None:
    assert not any(letter.isascii() and letter.isalpha() for letter in in_words(cause, Language.RUSSIAN))
