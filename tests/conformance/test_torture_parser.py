"""The torture messages of RFC 4475 and RFC 5118, as far as parsing alone decides what becomes of them."""

import json
from typing import Any

import pytest

from sip.errors import ParseError
from sip.message import MalformedRequest, parse
from tests.support.shared import VARIABLE, shared_data

# What the parser itself says; every other final status is for those who understand the message.
DECIDED_BY_THE_PARSER = {"400", "505", "discard"}


def _messages() -> list[Any]:
    found = []
    for rfc in ("rfc4475", "rfc5118"):
        index = shared_data("conformance", rfc, "index.json")
        if index is None:
            reason = f"the torture messages of {rfc} are not here; {VARIABLE} may name the folder of the shared kit"
            found.append(pytest.param({}, b"", marks=pytest.mark.skip(reason=reason), id=rfc))
            continue
        for entry in json.loads(index.read_text())["messages"]:
            data = (index.parent / entry["file"]).read_bytes()
            found.append(pytest.param(entry, data, id=f"{rfc}-{entry['name']}"))
    return found


def _outcome(data: bytes) -> str:
    """`accept`, the status of the answer, or `discard`."""
    try:
        parse(data)
    except MalformedRequest as refused:
        return str(refused.status)
    except ParseError:
        return "discard"
    return "accept"


@pytest.mark.parametrize(("entry", "data"), _messages())
def test_torture_message_is_taken_or_refused_as_the_index_says(entry: dict[str, Any], data: bytes) -> None:
    expected = set(entry["expected"])
    assert len(data) == entry["bytes"]
    outcome = _outcome(data)
    if outcome == "accept":
        # A valid response that must be dropped all the same, and a request that is refused for what it asks, parse.
        assert "accept" in expected or entry["validity"] == "valid" or expected - DECIDED_BY_THE_PARSER
    else:
        assert outcome in expected


@pytest.mark.parametrize(("entry", "data"), _messages())
def test_torture_message_is_written_so_that_it_is_read_alike(entry: dict[str, Any], data: bytes) -> None:
    try:
        message = parse(data)
    except ParseError:
        return
    again = parse(message.to_bytes())
    assert type(again) is type(message)
    assert (again.headers, again.body) == (message.headers, message.body)
    assert (again.call_id, again.cseq, again.via) == (message.call_id, message.cseq, message.via)
    assert (again.from_tag, again.to_tag) == (message.from_tag, message.to_tag)
