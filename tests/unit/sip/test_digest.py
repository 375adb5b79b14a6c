"""Digest texts both ways. The numbers themselves are tests/conformance/test_digest_vectors.py."""

import pytest

from sip.digest import (
    Challenge,
    Credentials,
    format_challenge,
    format_credentials,
    ha1,
    ha2,
    parse_challenge,
    parse_credentials,
    response,
    same,
)
from sip.errors import ParseError

PLAIN = Credentials("101", "pbx", "n", "sip:pbx", "r", "MD5", "auth", "00000001", "c")
OLD = PLAIN._replace(qop="", nc="", cnonce="")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            'Digest username="101",realm="pbx",cnonce="c",nc=00000001,qop=auth,uri="sip:pbx",nonce="n",'
            'response="r",algorithm=MD5',
            PLAIN,
            id="sipp",
        ),
        pytest.param(
            'Digest username="101", realm="pbx", nonce="n", uri="sip:pbx", response="r", algorithm=MD5, '
            'cnonce="c", qop="auth", nc=00000001',
            PLAIN,
            id="quoted qop",
        ),
        pytest.param('Digest username="101", realm="pbx", nonce="n", uri="sip:pbx", response="r"', OLD, id="RFC 2069"),
        pytest.param(
            'digest USERNAME = "101" ,realm= "pbx"\t,, nonce="n",uri="sip:pbx",response="r",', OLD, id="odd spelling"
        ),
        pytest.param(
            'Digest username="1,\\"0\\"1", realm="a=b, c", nonce="n=", uri="sip:a,b@pbx", response="r"',
            OLD._replace(username='1,"0"1', realm="a=b, c", nonce="n=", uri="sip:a,b@pbx"),
            id="commas, quotes and equals signs in values",
        ),
        pytest.param(
            'Digest username="101", realm="pbx", nonce="n", uri="sip:pbx", response="r", cnonce="", opaque=""',
            OLD,
            id="empty values",
        ),
        pytest.param("Basic MTAxOnNlY3JldA==", None, id="another scheme"),
        pytest.param("NTLM", None, id="another scheme without parameters"),
    ],
)
def test_credentials_are_read_in_every_spelling(text: str, expected: Credentials | None) -> None:
    assert parse_credentials(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Digest",
        "Digest ",
        "Digest username",
        'Digest username="101", realm="pbx", nonce="n", uri="sip:pbx"',
        'Digest username="101", realm="pbx", nonce="n", uri="sip:pbx", response="r", qop=auth, cnonce="c"',
        'Digest username="101", realm="pbx", nonce="n", uri="sip:pbx", response="r", qop=auth, nc=00000001',
        'Digest username="101", username="102", realm="pbx", nonce="n", uri="sip:pbx", response="r"',
        'Digest username="101", realm="pbx", nonce="n", uri="sip:pbx", response="r',
        'Digest username="101" realm="pbx", nonce="n", uri="sip:pbx", response="r"',
        'Digest username="101", realm="pbx", nonce="n", uri="sip:pbx", response=r"',
        'Digest username="101", realm="pbx", nonce="n", uri="sip:pbx", response=a b',
        'Digest =101, realm="pbx", nonce="n", uri="sip:pbx", response="r"',
        'Digest "username"="101", realm="pbx", nonce="n", uri="sip:pbx", response="r"',
    ],
)
def test_malformed_credentials_are_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parse_credentials(text)


@pytest.mark.parametrize("credentials", [PLAIN, OLD, PLAIN._replace(username='a "b" \\ c, d=e')])
def test_credentials_survive_writing_and_reading(credentials: Credentials) -> None:
    assert parse_credentials(format_credentials(credentials)) == credentials


def test_challenge_has_algorithm_and_stale_as_tokens() -> None:
    assert (
        format_challenge("pbx", "n", "SHA-256", True)
        == 'Digest realm="pbx", nonce="n", algorithm=SHA-256, qop="auth", stale=true'
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (format_challenge("pbx", "n", "SHA-256", False), Challenge("pbx", "n", "SHA-256", ("auth",), False, "")),
        (format_challenge("pbx", "n", "MD5", True), Challenge("pbx", "n", "MD5", ("auth",), True, "")),
        (
            'Digest realm="a, b", nonce="n", qop="auth, auth-int", opaque="o", stale=FALSE',
            Challenge("a, b", "n", "MD5", ("auth", "auth-int"), False, "o"),
        ),
        ('Digest realm="pbx", nonce="n"', Challenge("pbx", "n", "MD5", (), False, "")),
        ('Basic realm="pbx"', None),
    ],
)
def test_challenges_are_read(text: str, expected: Challenge | None) -> None:
    assert parse_challenge(text) == expected


def test_challenge_without_nonce_is_refused() -> None:
    with pytest.raises(ParseError):
        parse_challenge('Digest realm="pbx"')


def test_octets_that_are_no_text_are_hashed_as_they_came() -> None:
    as_received = "sip:J\xc3\xa4@pbx"  # "ä" in UTF-8, read as latin-1
    assert ha2("MD5", "REGISTER", as_received) == "eb364ea9da1972f5d172ca51fbb943b6"


@pytest.mark.parametrize(
    ("given", "equal"), [("a1b2", True), ("a1b3", False), ("", False), ("a1b", False), ("\xff\x00\xe9\xe9", False)]
)
def test_answers_are_compared_whatever_they_hold(given: str, equal: bool) -> None:
    assert same("a1b2", given) is equal


def test_every_part_of_a_request_changes_its_answer() -> None:
    secret = ha1("SHA-256", "101", "pbx", "secret")
    asked = ha2("SHA-256", "INVITE", "sip:102@pbx")
    answers = {
        response("SHA-256", secret, "n", asked, qop="auth", nc="00000001", cnonce="c"),
        response("SHA-256", secret, "n", asked, qop="auth", nc="00000002", cnonce="c"),
        response("SHA-256", secret, "n", asked, qop="auth", nc="00000001", cnonce="d"),
        response("SHA-256", secret, "m", asked, qop="auth", nc="00000001", cnonce="c"),
        response("SHA-256", secret, "n", ha2("SHA-256", "BYE", "sip:102@pbx"), qop="auth", nc="00000001", cnonce="c"),
        response("SHA-256", secret, "n", asked),
    }
    assert len(answers) == 6
