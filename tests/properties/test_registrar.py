"""What holds for the registrar whatever phones send, in whatever order."""

import string
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from pbx.registrar.bindings import Binding, Bindings
from pbx.registrar.contacts import Policy
from pbx.registrar.guard import LONGEST_DELAY, Guard
from pbx.registrar.nonces import Nonces
from sip.digest import Credentials, format_credentials, parse_credentials
from sip.errors import ParseError
from tests.unit.pbx.registrar.phones import NOW, FakeFlow, Office, Phone

POLICY = Policy(min_expires=60, max_expires=600, max_bindings=4)
CONTACTS = [f"sip:101@192.0.2.{host}" for host in range(1, 7)]


class RegisteringPhones(RuleBasedStateMachine):
    """Two phones of one user against a model: what is registered is what the accepted requests say."""

    @initialize()
    def start(self) -> None:
        self.office = Office(policy=POLICY)
        self.phones = [Phone(self.office), Phone(self.office)]
        self.expected: dict[str, float] = {}

    @rule(
        which=st.sampled_from([0, 1]),
        chosen=st.lists(st.tuples(st.sampled_from(CONTACTS), st.sampled_from([0, 1, 60, 599, 600, 9999])), max_size=3),
    )
    def register(self, which: int, chosen: list[tuple[str, int]]) -> None:
        contact = ", ".join([f"<{uri}>;expires={expires}" for uri, expires in chosen])
        answer = self.phones[which].register(contact or None)
        before = dict(self.live())
        last = dict(chosen)  # a contact that is given twice counts as it is given last
        after = {uri: at for uri, at in before.items() if uri not in last}
        for uri, expires in last.items():
            if expires:
                after[uri] = self.office.now + min(expires, POLICY.max_expires)
        if any(expires == 1 for _, expires in chosen):
            assert answer.status == 423
        elif answer.status == 403:
            assert len(after) > POLICY.max_bindings
        else:
            assert answer.status == 200
            assert len(answer.rows("Contact")) == len(after)
            self.expected = after

    @rule(which=st.sampled_from([0, 1]))
    def remove_all(self, which: int) -> None:
        assert self.phones[which].register("*", "Expires: 0").status == 200
        self.expected = {}

    @rule(which=st.sampled_from([0, 1]), contact=st.sampled_from(CONTACTS))
    def overtaken(self, which: int, contact: str) -> None:
        phone = self.phones[which]
        late = phone.request(f"<{contact}>")
        if phone.register(f"<{contact}>").status != 200:
            return
        self.expected[contact] = self.office.now + POLICY.max_expires
        assert phone.send(phone.sign(late, phone.challenge())).status == 500

    @rule(seconds=st.floats(0.1, 700))
    def time_passes(self, seconds: float) -> None:
        self.office.now += seconds
        ended = self.office.registrar.expire(self.office.now)
        assert all(binding.expires_at <= self.office.now for binding in ended)

    @rule()
    def restart_of_a_phone(self) -> None:
        self.phones[0] = Phone(self.office)

    def live(self) -> dict[str, float]:
        return {uri: at for uri, at in self.expected.items() if at > self.office.now}

    @invariant()
    def what_is_registered_is_what_was_accepted_and_stored(self) -> None:
        held = self.office.bindings.of("101", self.office.now)
        assert {binding.contact: binding.expires_at for binding in held} == self.live()
        assert len(held) <= POLICY.max_bindings
        stored = {row[3] for row in self.office.writer.rows.values() if row is not None}
        assert set(self.live()) <= stored


RegisteringPhones.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
test_registering_phones = RegisteringPhones.TestCase


def _binding(number: str, expires_at: float) -> Binding:
    flow = FakeFlow()
    return Binding(
        number, number, "c", None, None, 1.0, (), "call", 1, expires_at, NOW, "UDP", flow.remote, flow, "", ""
    )


@given(
    st.lists(
        st.tuples(st.sampled_from(["101", "102", "103"]), st.integers(0, 300), st.floats(0, 30)),
        max_size=60,
    )
)
def test_every_binding_ends_exactly_once_and_leaves_nothing(changes: list[tuple[str, int, float]]) -> None:
    bindings, now = Bindings(), NOW
    current: dict[str, Binding] = {}
    for number, expires, pause in changes:
        if expires:
            current[number] = _binding(number, now + expires)
        else:
            current.pop(number, None)
        bindings.put(number, [current[number]] if number in current else [])
        now += pause
        due = [binding for binding in current.values() if int(now) >= binding.expires_at]
        ended = bindings.expire(now)
        assert set(due) <= set(ended)
        for binding in ended:
            assert current.pop(binding.number) is binding
            assert binding.expires_at <= now
        assert set(bindings.all(now)) == {each for each in current.values() if each.expires_at > now}
    assert set(bindings.expire(now + 1000)) == set(current.values())
    assert (bindings._lines, bindings._wakes) == ({}, {})


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 300)), max_size=60))
def test_no_answer_is_accepted_twice(uses: list[tuple[int, int]]) -> None:
    nonces = Nonces(remembered=16)
    issued = [nonces.issue("192.0.2.1", NOW) for _ in range(10)]
    accepted = [(which, count) for which, count in uses if nonces.use(issued[which], "192.0.2.1", count, NOW)]
    assert len(accepted) == len(set(accepted))
    for which in range(10):
        counts = [count for each, count in accepted if each == which]
        once = counts.index(0) if 0 in counts else len(counts)
        assert counts[:once] == sorted(counts[:once])
        assert once >= len(counts) - 1, "nothing after an answer without count"


@given(st.text(max_size=60))
def test_no_text_is_a_nonce(text: str) -> None:
    octets = text.encode("utf-8", "surrogatepass").decode("latin-1")
    assert not Nonces(remembered=16).use(octets, "192.0.2.1", 1, NOW)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["101", "102"]), st.floats(0, 2000)), max_size=80))
def test_guard_never_locks_out_for_ever_and_never_the_innocent(tries: list[tuple[str, str, float]]) -> None:
    guard, now = Guard(), NOW
    wrong: dict[tuple[str, str], int] = {}
    for host, account, pause in tries:
        now += pause
        if not guard.wait(host, account, now):
            guard.failed(host, account, now)
            wrong[host, account] = wrong.get((host, account), 0) + 1
        assert 0 <= guard.wait(host, account, now) <= LONGEST_DELAY
        assert guard.wait("innocent", account, now) == 0
        assert guard.wait(host, "103", now) == 0
    for host, account in wrong:
        assert guard.wait(host, account, now + LONGEST_DELAY) == 0


_TEXT = st.text(st.characters(max_codepoint=255), max_size=20)
_TOKEN = st.text(string.ascii_letters + string.digits + "-", min_size=1, max_size=10)


@given(st.builds(Credentials, _TEXT, _TEXT, _TEXT, _TEXT, _TOKEN, _TOKEN, st.just("auth"), _TOKEN, _TEXT))
def test_credentials_survive_writing_and_reading(credentials: Credentials) -> None:
    assert parse_credentials(format_credentials(credentials)) == credentials


@given(st.text(st.sampled_from('username="101", \\=,\t\xff<>'), max_size=60))
def test_credentials_are_read_or_refused(text: str) -> None:
    with suppress(ParseError):
        parse_credentials(f"Digest {text}")
