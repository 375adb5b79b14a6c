"""REGISTER by RFC 3261 §10.3. Outbound, Path and GRUU are in test_extensions.py."""

import pytest

from pbx.presence.state import Presence, PresenceBoard, PresenceChange
from pbx.registrar.contacts import Policy
from pbx.registrar.events import Expired, Registered, Unregistered
from sip.message import Response
from tests.unit.pbx.registrar.phones import NOW, FakeFlow, Office, Phone, directory

HERE = "<sip:101@192.0.2.10>"
THERE = "<sip:101@192.0.2.20:5070;transport=tcp>"


def contacts(answer: Response) -> list[str]:
    assert answer.status == 200
    return answer.rows("Contact")


@pytest.fixture
def office() -> Office:
    return Office()


@pytest.fixture
def phone(office: Office) -> Phone:
    return Phone(office)


def test_registration_is_held_stored_told_and_answered(office: Office, phone: Phone) -> None:
    answer = phone.register(HERE, "User-Agent: Desk 1", "Expires: 600")
    assert contacts(answer) == [f"{HERE};expires=600"]
    assert answer.to_tag
    assert answer.get("Date") == "Fri, 15 Jan 2027 08:00:00 GMT"
    held = office.only()
    assert (held.number, held.sip_name, held.contact) == ("101", "101", "sip:101@192.0.2.10")
    assert (held.expires_at, held.source, held.flow) == (NOW + 600, phone.flow.remote, phone.flow)
    assert (held.call_id, held.cseq, held.user_agent) == (phone.call_id, phone.cseq, "Desk 1")
    assert office.writer.stored_contacts() == ["sip:101@192.0.2.10"]
    assert office.events == [Registered("101", "101", "sip:101@192.0.2.10", NOW + 600)]


def test_request_without_contact_asks_and_changes_nothing(office: Office, phone: Phone) -> None:
    assert contacts(phone.register(None)) == []
    phone.register(HERE)
    office.now += 100
    office.writer.rows.clear()
    assert contacts(phone.register(None)) == [f"{HERE};expires=3500"]
    assert (office.writer.rows, len(office.events)) == ({}, 1)


@pytest.mark.parametrize(
    ("contact", "header", "granted"),
    [
        (HERE, "", 3600),
        (HERE, "Expires: 600", 600),
        (f"{HERE};expires=300", "Expires: 600", 300),
        (f"{HERE};expires=300", "", 300),
        (HERE, "Expires: 60", 60),
        (HERE, "Expires: 86400", 3600),
        (HERE, "Expires: 4294967295", 3600),
        (HERE, f"Expires: {10**40}", 3600),
        (f"{HERE};expires={10**40}", "", 3600),
        pytest.param(f'{HERE};expires="soon"', "Expires: 600", 3600, id="malformed parameter counts as an hour"),
        pytest.param(f"{HERE};expires", "Expires: 600", 3600, id="parameter without value"),
    ],
)
def test_expiry_is_granted_within_limits(office: Office, phone: Phone, contact: str, header: str, granted: int) -> None:
    assert contacts(phone.register(contact, *([header] if header else []))) == [f"{HERE};expires={granted}"]
    assert office.only().expires_at == NOW + granted


@pytest.mark.parametrize("asked", [1, 59])
def test_too_brief_interval_is_refused_with_the_least_one(office: Office, phone: Phone, asked: int) -> None:
    answer = phone.register(f"{HERE};expires={asked}")
    assert (answer.status, answer.get("Min-Expires")) == (423, "60")
    assert office.contacts() == []


def test_contact_star_removes_all_of_the_account(office: Office, phone: Phone) -> None:
    phone.register(f"{HERE}, {THERE}")
    further = Phone(office, "101-a1b2")
    further.register("<sip:101-a1b2@192.0.2.30>")
    assert contacts(phone.register("*", "Expires: 0")) == []
    assert office.contacts() == ["sip:101-a1b2@192.0.2.30"]
    assert office.writer.stored_contacts() == ["sip:101-a1b2@192.0.2.30"]
    assert office.events[3:] == [
        Unregistered("101", "101", "sip:101@192.0.2.10"),
        Unregistered("101", "101", "sip:101@192.0.2.20:5070;transport=tcp"),
    ]


@pytest.mark.parametrize(
    ("contact", "headers"),
    [
        ("*", ()),
        ("*", ("Expires: 600",)),
        ("*;expires=0", ("Expires: 0",)),
        (f"*, {HERE}", ("Expires: 0",)),
        (HERE, ("Contact: *", "Expires: 0")),
        ("<sip:101@>", ()),
        ("<sip:1 01@192.0.2.10>", ()),
        ("<tel:+7495>", ()),
        ("<mailto:anna@example.com>", ()),
        ("sip:101@192.0.2.10,", ()),
        (f"{HERE};q=2", ()),
        (f"{HERE};q=0.1234", ()),
        (f"{HERE};q=x", ()),
        (f"<sip:101@{'a.' * 600}example>", ()),
        (HERE, ("Expires: soon",)),
        (f'{HERE};+sip.instance="<urn:{"x" * 300}>"', ()),
    ],
)
def test_malformed_registrations_are_refused_whole(
    office: Office, phone: Phone, contact: str, headers: tuple[str, ...]
) -> None:
    phone.register(THERE)
    assert phone.register(contact, *headers).status == 400
    assert office.contacts() == [THERE.strip("<>")]


def test_one_bad_contact_spoils_the_whole_request(office: Office, phone: Phone) -> None:
    assert phone.register(f"{HERE}, <tel:+7495>").status == 400
    assert (office.contacts(), office.writer.rows, office.events) == ([], {}, [])


def test_zero_removes_one_contact_and_unknown_ones_do_no_harm(office: Office, phone: Phone) -> None:
    phone.register(f"{HERE}, {THERE}")
    assert contacts(phone.register(f"{HERE};expires=0, <sip:nobody@192.0.2.99>;expires=0")) == [f"{THERE};expires=3600"]
    assert office.contacts() == [THERE.strip("<>")]


@pytest.mark.parametrize(
    "spelling",
    [
        "sip:101@192.0.2.10;ob",
        "sip:%3101@192.0.2.10",
        "<sip:101@192.0.2.10;newparam=5>",
        '"Desk" <sip:101@192.0.2.10>;q=0.5',
    ],
)
def test_equivalent_contact_is_the_same_registration(office: Office, phone: Phone, spelling: str) -> None:
    phone.register(HERE)
    phone.register(spelling)
    assert len(office.contacts()) == 1
    assert len(office.writer.stored_contacts()) == 1


@pytest.mark.parametrize(
    "other", ["<sip:101@192.0.2.10:5060>", "<sip:101@192.0.2.10;transport=tcp>", "<sips:101@192.0.2.10>"]
)
def test_contact_that_is_not_equivalent_is_another_registration(office: Office, phone: Phone, other: str) -> None:
    phone.register(HERE)
    phone.register(other)
    assert len(office.contacts()) == 2


def test_contact_given_twice_counts_as_given_last(office: Office, phone: Phone) -> None:
    assert contacts(phone.register(f"{HERE};expires=100, {HERE};expires=200")) == [f"{HERE};expires=200"]
    assert contacts(phone.register(f"{HERE};expires=300, {HERE};expires=400")) == [f"{HERE};expires=400"]


def test_preference_orders_contacts_and_is_shown(office: Office, phone: Phone) -> None:
    answer = phone.register(f"{HERE};q=0.25, {THERE};q=1.0, <sip:101@192.0.2.30>;q=0")
    assert office.contacts() == [THERE.strip("<>"), HERE.strip("<>"), "sip:101@192.0.2.30"]
    assert sorted(contacts(answer)) == sorted(
        [f"{HERE};expires=3600;q=0.25", f"{THERE};expires=3600", "<sip:101@192.0.2.30>;expires=3600;q=0"]
    )


def test_overtaken_request_of_the_same_call_id_fails_and_changes_nothing(office: Office, phone: Phone) -> None:
    early, late = phone.request(f"{HERE}, {THERE};expires=0"), phone.request(HERE, "Expires: 500")
    phone.send(phone.sign(late, phone.challenge()))
    answer = phone.send(phone.sign(early, phone.challenge()))
    assert (answer.status, answer.reason) == (500, "CSeq Not Higher Than Before")
    assert office.only().expires_at == NOW + 500


def test_same_cseq_of_the_same_call_id_fails(office: Office, phone: Phone) -> None:
    early = phone.challenge()
    phone.register(HERE)
    phone.cseq -= 1
    assert phone.send(phone.sign(phone.request(HERE), early)).status == 500


def test_overtaken_star_fails(office: Office, phone: Phone) -> None:
    early, late = phone.request("*", "Expires: 0"), phone.request(HERE)
    phone.send(phone.sign(late, phone.challenge()))
    assert phone.send(phone.sign(early, phone.challenge())).status == 500
    assert office.contacts() == [HERE.strip("<>")]


def test_lower_cseq_of_another_call_id_is_accepted(office: Office, phone: Phone) -> None:
    phone.cseq = 1000
    phone.register(HERE)
    restarted = Phone(office)
    assert restarted.register(f"{HERE};expires=0").status == 200
    assert office.contacts() == []


def test_refresh_is_stored_but_is_no_event(office: Office, phone: Phone) -> None:
    phone.register(HERE)
    office.now += 1800
    phone.register(HERE)
    assert office.only().expires_at == NOW + 5400
    assert [row and row[10] for row in office.writer.rows.values()] == [NOW + 5400]
    assert len(office.events) == 1


def test_new_connection_of_a_registered_phone_is_told(office: Office, phone: Phone) -> None:
    phone.register(HERE)
    phone.flow = FakeFlow("TCP", ("192.0.2.10", 40_000))
    phone.register(HERE)
    assert len(office.events) == 2
    assert office.only().flow is phone.flow


@pytest.mark.parametrize(
    ("username", "to", "status"),
    [
        ("101", "<sip:101@pbx.example>", 200),
        ("101-a1b2", "<sip:101@pbx.example>", 200),
        ("101-a1b2", "<sip:101-a1b2@pbx.example>", 200),
        ("101", '"Anna" <sip:101-a1b2@pbx.example>', 200),
        ("101", "<sip:102@pbx.example>", 403),
        ("101", "<sip:600@pbx.example>", 403),
        ("101", "<sip:777@pbx.example>", 404),
        ("101", "<sip:pbx.example>", 404),
        ("777", "<sip:777@pbx.example>", 401),
        ("777", "<sip:101@pbx.example>", 401),
    ],
)
def test_only_accounts_of_the_user_register_for_the_user(office: Office, username: str, to: str, status: int) -> None:
    assert Phone(office, username).register(HERE, to=to).status == status
    assert len(office.contacts("101")) == (status == 200)


def test_required_extension_that_we_lack_is_named(office: Office, phone: Phone) -> None:
    answer = phone.send(phone.request(HERE, "Require: Path, warp", "Require: 100rel"))
    assert (answer.status, answer.get("Unsupported")) == (420, "100rel, warp")


def test_registrations_are_limited_in_number(phone: Phone) -> None:
    office = phone.office = Office(policy=Policy(max_bindings=2))
    phone.register(HERE)
    phone.register(THERE)
    answer = phone.register("<sip:101@192.0.2.30>")
    assert (answer.status, answer.reason) == (403, "Too Many Registrations")
    assert phone.register(HERE).status == 200, "a refresh is no new one"
    assert phone.register(f"{HERE};expires=0, <sip:101@192.0.2.30>").status == 200
    assert len(office.contacts()) == 2


def test_removal_is_possible_above_a_limit_that_was_lowered(office: Office, phone: Phone) -> None:
    phone.register(f"{HERE}, {THERE}, <sip:101@192.0.2.30>")
    office.registrar._policy = Policy(max_bindings=1)
    assert phone.register(f"{HERE};expires=0").status == 200
    assert len(office.contacts()) == 2


def test_registrations_that_lead_nowhere_make_room(phone: Phone) -> None:
    office = phone.office = Office(policy=Policy(max_bindings=2))
    for port in (1, 2):
        browser = Phone(office, "101-a1b2", flow=FakeFlow("WSS", ("192.0.2.10", port)))
        browser.register(f"<sip:tab{port}@x.invalid;transport=wss>")
        if port == 1:
            browser.flow.close()
    assert phone.register(HERE).status == 200
    assert office.contacts() == [HERE.strip("<>"), "sip:tab2@x.invalid;transport=wss"]
    assert sorted(map(str, office.writer.stored_contacts())) == sorted(office.contacts())


def test_nothing_is_acknowledged_that_cannot_be_stored(office: Office, phone: Phone) -> None:
    phone.register(HERE)
    office.writer.healthy = False
    answer = phone.register(THERE)
    assert (answer.status, answer.get("Retry-After")) == (503, "10")
    assert office.contacts() == [HERE.strip("<>")]
    assert contacts(phone.register(None)) == [f"{HERE};expires=3600"]


@pytest.mark.parametrize("call_id", ["x" * 300, "a\x00b"])
def test_call_id_that_cannot_be_stored_is_refused(office: Office, call_id: str) -> None:
    assert Phone(office, call_id=call_id).register(HERE).status == 400


def test_user_agent_is_cut_and_cleaned(office: Office, phone: Phone) -> None:
    phone.register(HERE, "User-Agent: Desk\x00\x1b" + "x" * 500)
    assert office.only().user_agent == "Desk" + "x" * 96


def test_registration_that_is_not_renewed_expires(office: Office, phone: Phone) -> None:
    phone.register(f"{HERE};expires=60, {THERE};expires=120")
    ended = office.registrar.expire(NOW + 61)
    assert [binding.contact for binding in ended] == [HERE.strip("<>")]
    assert office.events[2:] == [Expired("101", "101", HERE.strip("<>"))]
    assert office.writer.stored_contacts() == [THERE.strip("<>")]


@pytest.mark.parametrize("numbers", [("101",), ()])
def test_removed_account_loses_its_registrations(office: Office, phone: Phone, numbers: tuple[str, ...]) -> None:
    phone.register(HERE)
    Phone(office, "101-a1b2").register("<sip:101-a1b2@192.0.2.30>")
    office.directory = office.directory.with_changes(2, devices={"101-a1b2": None})
    office.registrar.drop_removed(numbers, office.now)
    assert office.contacts() == [HERE.strip("<>")]
    assert office.events[2:] == [Unregistered("101", "101-a1b2", "sip:101-a1b2@192.0.2.30")]
    assert office.writer.stored_contacts() == [HERE.strip("<>")]


def test_other_numbers_stay_when_one_changed(office: Office, phone: Phone) -> None:
    phone.register(HERE)
    office.directory = directory("102")
    office.registrar.drop_removed(("102",), office.now)
    assert office.contacts() == [HERE.strip("<>")]


def test_contact_that_ended_just_before_another_came_is_told_and_forgotten() -> None:
    """Between two looks at what has ended: others would show the phone for ever."""
    office = Office()
    phone = Phone(office)
    phone.register(f"{HERE};expires=60")
    office.now += 60.5
    office.events.clear()
    assert contacts(phone.register(THERE)) == [f"{THERE};expires=3600"]
    old, new = HERE.strip("<>"), THERE.strip("<>")
    assert office.events == [Expired("101", "101", old), Registered("101", "101", new, office.now + 3600)]
    assert office.writer.stored_contacts() == [new]
    office.registrar.expire(office.now + 1)
    assert len(office.events) == 2


def test_phone_that_moves_on_is_not_shown_at_its_former_contact() -> None:
    """Who counts phones by what is told would count it twice, and never see it go."""
    office = Office()
    phone = Phone(office)
    instance = ';+sip.instance="<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>"'
    board = PresenceBoard()
    phone.register(f"{HERE}{instance}")
    phone.flow = FakeFlow(remote=("192.0.2.20", 5070))
    phone.register(f"{THERE}{instance}")
    changes = follow(board, office)
    assert [change.presence for change in changes] == [Presence.AVAILABLE], "it was never away"
    phone.register(f"{THERE}{instance};expires=0")
    assert [change.presence for change in follow(board, office)] == [Presence.OFFLINE]


def follow(board: PresenceBoard, office: Office) -> list[PresenceChange]:
    """What the events so far do to everybody's presence."""
    changes: list[PresenceChange] = []
    for event in office.events:
        tell = board.registered if isinstance(event, Registered) else board.unregistered
        changes += tell(event.number, event.sip_name, event.contact, office.now)
    office.events.clear()
    return changes
