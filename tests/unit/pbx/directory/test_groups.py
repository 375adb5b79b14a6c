"""Actions on groups."""

import pytest

from pbx.directory.errors import BadValue, NotFound, NumberTaken
from pbx.directory.events import GroupChanged, GroupRemoved
from pbx.directory.forwarding import set_rule
from pbx.directory.groups import list_groups, remove_group
from pbx.directory.snapshot import Group, Strategy
from tests.unit.pbx.directory.conftest import Office


@pytest.fixture
def office(office: Office) -> Office:
    for number in ("101", "102", "103"):
        office.add(number, f"User {number}")
    return office


def groups(office: Office) -> dict[str, Group]:
    with office.store.reading() as session:
        found = dict(list_groups(session))
    assert found == office.directory.groups  # routing sees the same
    return found


def test_new_group_rings_all_unless_told_otherwise(office: Office) -> None:
    office.group("600", "103", "101")
    office.group("601", "101", strategy="in-turn")
    assert groups(office) == {
        "600": Group("600", ("103", "101"), Strategy.ALL, 1),
        "601": Group("601", ("101",), Strategy.IN_TURN, 1),
    }
    assert office.events[-1] == GroupChanged(("601",))
    assert (office.audit[-1].action, office.audit[-1].before, office.audit[-1].after) == (
        "group.set", None, {"strategy": "in-turn", "members": ["101"]},
    )  # fmt: skip
    assert office.version == 5


def test_group_set_again_keeps_its_strategy_and_counts_its_version(office: Office) -> None:
    office.group("600", "101", "102", strategy="in-turn")
    made = office.group("600", "102", "103", "101")
    assert made.group == Group("600", ("102", "103", "101"), Strategy.IN_TURN, 2)
    assert groups(office) == {"600": made.group}
    assert office.audit[-1].before == {"strategy": "in-turn", "members": ["101", "102"]}


def test_unknown_member_is_allowed_with_a_warning(office: Office) -> None:
    office.group("601", "101")
    assert office.group("600", "101", "601", "109").warnings == ("109 is no user or group here",)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)  # nothing gets as far as the database
@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([], "a group has 1 to 100 members"),
        ([f"2{n:03}" for n in range(101)], "a group has 1 to 100 members"),
        (["600"], "600 cannot be a member of itself"),
        (["101", "101"], "101 is named twice"),
        (["abc"], "'abc' is not a number"),
    ],
)
def test_members_that_make_no_sense_are_refused(office: Office, members: list[str], message: str) -> None:
    with pytest.raises(BadValue, match=message):
        office.group("600", *members)
    assert groups(office) == {}


def test_number_of_a_user_is_refused(office: Office) -> None:
    with pytest.raises(NumberTaken, match=r"^number 103 is taken by User 103$"):
        office.group("103", "101")


def test_unknown_strategy_is_refused(office: Office) -> None:
    with pytest.raises(BadValue, match="'random' is no strategy: it is one of all, in-turn"):
        office.group("600", "101", strategy="random")


def test_removed_group_frees_its_number_and_warns_of_rules_to_it(office: Office) -> None:
    office.group("600", "101", "102")
    office.do(set_rule, "103", "busy", ["600"])
    assert office.do(remove_group, "600") == ("103 forwards to 600 by the rule busy",)
    assert groups(office) == {}
    assert office.count("group_members") == 0
    assert office.events[-1] == GroupRemoved(("600",))
    assert office.audit[-1].before == {"strategy": "all", "members": ["101", "102"]}
    with pytest.raises(NotFound, match=r"^there is no group 600$"):
        office.do(remove_group, "600")
    office.add("600")
