"""Legal holds by command, as the admin's panel has them."""

import time

from pbx.audit.service import entries
from pbx.cli.office import Office
from tests.unit.pbx.cli.conftest import Gorizont


def test_hold_is_placed_listed_and_lifted(gorizont: Gorizont) -> None:
    assert gorizont.good("holds", "list").output == "there are no legal holds\n"
    gorizont.good("user", "add", "102", "--name", "Boris Petrov")
    placed = gorizont.good("holds", "place", "102", "case 7/2026")
    assert placed.output == "whatever concerns 102 is kept: case 7/2026\n"
    heading, line = gorizont.good("holds", "list").output.splitlines()
    assert heading.split() == ["number", "name", "reason", "since", "by"]
    assert line.startswith("102     Boris Petrov  case 7/2026  20")
    (held,) = gorizont.values("holds", "list")["holds"]
    assert (held["number"], held["name"], held["reason"]) == ("102", "Boris Petrov", "case 7/2026")
    assert abs(held["set_at"] - time.time()) < 60
    lifted = gorizont.good("holds", "lift", "102")
    assert lifted.output == "the hold on 102 is lifted: what it kept goes with the next sweep\n"
    assert gorizont.values("holds", "list") == {"holds": []}


def test_every_change_of_a_hold_stands_in_the_audit_trail(gorizont: Gorizont) -> None:
    gorizont.good("user", "add", "102")
    gorizont.good("holds", "place", "102", "case 7/2026")
    gorizont.good("holds", "place", "102", "case 8/2026")
    gorizont.good("holds", "lift", "102")
    with gorizont.store() as store, store.reading() as session:
        noted = [one for one in entries(session) if one.action.startswith("hold.")]
    told = [(one.action, one.before, one.after) for one in sorted(noted, key=lambda one: one.id)]
    assert told == [
        ("hold.set", None, "case 7/2026"),
        ("hold.set", "case 7/2026", "case 8/2026"),
        ("hold.lifted", "case 8/2026", None),
    ]
    assert {(one.actor, one.subject) for one in noted} == {(Office(gorizont.data, None).actor, "102")}


def test_hold_outlives_its_user(gorizont: Gorizont) -> None:
    gorizont.good("user", "add", "102", "--name", "Boris")
    gorizont.good("holds", "place", "102", "case 7/2026")
    gorizont("user", "remove", "102")
    (held,) = gorizont.values("holds", "list")["holds"]
    assert (held["number"], held["name"]) == ("102", "")


def test_hold_that_cannot_be_is_refused_in_one_line(gorizont: Gorizont) -> None:
    gorizont.good("user", "add", "102")
    for arguments, words in [
        (("place", "999", "case"), "there is no user 999"),
        (("place", "102", " "), "a hold needs a reason of 1 to 200 characters in one line"),
        (("place", "102", "two\nlines"), "a hold needs a reason of 1 to 200 characters in one line"),
        (("lift", "102"), "there is no hold on 102"),
    ]:
        refused = gorizont("holds", *arguments)
        assert (refused.status, refused.output) == (1, "")
        assert refused.errors == f"gorizont: {words}\n"
