"""Whom From and To name."""

import pytest

from pbx.registrar.identity import number_of, user_part
from sip.errors import ParseError
from tests.unit.pbx.registrar.phones import directory


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<sip:101@pbx.example>;tag=a", "101"),
        ("sip:101@pbx.example;tag=a", "101"),
        ("<sips:101@pbx.example>", "101"),
        ("Anna <sip:101@pbx.example>", "101"),
        ('"<sip:102@pbx.example>" <sip:101@pbx.example>', "101"),
        ("<sip:101-a1b2@pbx.example>", "101-a1b2"),
        ("<sip:%31%301@pbx.example>", "101"),
        ("<sip:101:pw@pbx.example>", "101"),
        ("<sip:101;x=y@pbx.example>", "101;x=y"),
        ("<sip:pbx.example>", ""),
        ("<tel:+7-495-123>", "+7495123"),
        ("<urn:service:sos>", ""),
    ],
)
def test_user_part_is_found(text: str, expected: str) -> None:
    assert user_part(text) == expected


def test_malformed_address_is_an_error() -> None:
    with pytest.raises(ParseError):
        user_part("<sip:1 01@pbx.example>")


@pytest.mark.parametrize(("part", "number"), [("101", "101"), ("101-a1b2", "101"), ("600", None), ("", None)])
def test_number_belongs_to_user_or_device(part: str, number: str | None) -> None:
    assert number_of(part, directory("101", n101_a1b2="x")) == number
