"""Names of header fields."""

from collections.abc import Iterator

import pytest

from sip.errors import ParseError
from sip.headers import COMPACT, SINGLE, canonical_name, spellings

NAMES = [
    ("Via", "Via"),
    ("VIA", "Via"),
    ("call-id", "Call-ID"),
    ("CSEQ", "CSeq"),
    ("www-authenticate", "WWW-Authenticate"),
    ("mime-version", "MIME-Version"),
    ("p-asserted-identity", "P-Asserted-Identity"),
    ("min-se", "Min-SE"),
    ("rack", "RAck"),
    ("Max-Forwards \t", "Max-Forwards"),
    ("x-odd-NAME", "X-Odd-Name"),
    ("extensionHeader-!.%*+_`'~", "Extensionheader-!.%*+_`'~"),
]

# RFC 3261 §7.3.3 and the registry of IANA.
COMPACT_FORMS = [
    ("a", "Accept-Contact"),
    ("b", "Referred-By"),
    ("c", "Content-Type"),
    ("d", "Request-Disposition"),
    ("e", "Content-Encoding"),
    ("f", "From"),
    ("i", "Call-ID"),
    ("j", "Reject-Contact"),
    ("k", "Supported"),
    ("l", "Content-Length"),
    ("m", "Contact"),
    ("o", "Event"),
    ("r", "Refer-To"),
    ("s", "Subject"),
    ("t", "To"),
    ("u", "Allow-Events"),
    ("v", "Via"),
    ("x", "Session-Expires"),
    ("y", "Identity"),
]


@pytest.mark.parametrize(("spelling", "name"), NAMES)
def test_name_has_one_canonical_spelling(spelling: str, name: str) -> None:
    assert canonical_name(spelling) == name
    assert canonical_name(name) == name


@pytest.mark.parametrize(("letter", "name"), COMPACT_FORMS)
def test_compact_form_means_its_long_name_in_either_case(letter: str, name: str) -> None:
    assert canonical_name(letter) == canonical_name(letter.upper()) == canonical_name(name) == name


def test_every_compact_form_stands_in_the_table() -> None:
    assert sorted(COMPACT.items()) == COMPACT_FORMS


@pytest.mark.parametrize("spelling", ["", " ", " Via", "\tVia", "Vi a", "Via:", "Vía", "Via\n", "<Via>", "Via\x00"])
def test_what_is_no_token_is_no_name(spelling: str) -> None:
    for _ in range(2):
        with pytest.raises(ParseError):
            canonical_name(spelling)


def test_names_that_occur_once_are_canonical() -> None:
    assert {canonical_name(name) for name in SINGLE} == set(SINGLE)


@pytest.fixture
def fresh_spellings() -> Iterator[None]:
    known = dict(spellings)
    yield
    spellings.clear()
    spellings.update(known)


def test_spellings_are_remembered_within_a_limit(fresh_spellings: None) -> None:
    for number in range(3000):
        canonical_name(f"X-Bomb-{number}")
    canonical_name("X-" + "a" * 1000)
    assert len(spellings) <= 2000
    assert all(len(spelling) < 64 for spelling in spellings)


def test_usual_names_are_known_from_the_start_whatever_strangers_send() -> None:
    assert {"Via", "v", "Call-ID", "CSeq", "Content-Length", "l", "User-Agent"} <= set(spellings)
