"""Who sends a request, and what strangers are told."""

from dataclasses import replace

import pytest

from pbx.directory.snapshot import Device
from pbx.registrar.authenticator import Account, Authenticator
from pbx.registrar.guard import FREE, SCANNED
from sip.digest import ALGORITHMS, format_credentials, parse_challenge, parse_credentials
from sip.message import Response
from tests.unit.pbx.registrar.phones import NOW, REALM, FakeFlow, Office, Phone, directory

ASKED = f'Digest username="101", realm="{REALM}", nonce="n", uri="sip:{REALM}", response="r"'


def stale(answer: Account | Response) -> bool:
    assert isinstance(answer, Response)
    challenge = parse_challenge(answer.rows("WWW-Authenticate")[0])
    assert challenge is not None
    return challenge.stale


def refusal(answer: Account | Response) -> int:
    assert isinstance(answer, Response)
    return answer.status


def test_md5_is_offered_first_and_sha_256_second_with_one_nonce() -> None:
    office = Office()
    plain = Authenticator(lambda: office.directory, REALM, office.nonces, office.guard, office.bindings)
    answer = plain.check(Phone(office).request(), ("192.0.2.10", 5060), NOW)
    assert isinstance(answer, Response)
    offers = [parse_challenge(row) for row in answer.rows("WWW-Authenticate")]
    assert [offer and (offer.algorithm, offer.qop, offer.realm) for offer in offers] == [
        ("MD5", ("auth",), REALM),
        ("SHA-256", ("auth",), REALM),
    ]
    assert len({offer.nonce for offer in offers if offer}) == 1


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("qop", ["auth", ""])
@pytest.mark.parametrize("proxy", [False, True])
def test_good_answer_names_user_and_device(algorithm: str, qop: str, proxy: bool) -> None:
    office = Office()
    phone = Phone(office, "101-a1b2", algorithm=algorithm, qop=qop)
    challenge = phone.challenge(proxy=proxy)
    assert challenge.status == (407 if proxy else 401)
    account = phone.check(phone.sign(phone.request(), challenge), proxy=proxy)
    assert account == Account(office.directory.users["101"], office.directory.devices["101-a1b2"])


@pytest.mark.parametrize(
    ("asked", "signed", "accepted"),
    [
        ("sip:102@pbx.example", "sip:102@pbx.example", True),
        pytest.param("sip:102@192.0.2.1:5060", "sip:192.0.2.1:5060", True, id="SIPp leaves the user out"),
        ("sip:102@192.0.2.1:5060;transport=tcp", "sip:102@pbx.example", True),
        ("sip:102@pbx.example", "sips:%3102@192.0.2.1;transport=tls", True),
        ("sip:102@pbx.example", "sip:pbx.example", True),
        ("sip:102@pbx.example", "sip:192.0.2.1:5060", True),
        ("tel:+7495", "tel:+7-495", True),
        ("sip:9007@pbx.example", "sip:102@pbx.example", False),
        ("sip:pbx.example", "sip:102@pbx.example", False),
        ("sip:102@pbx.example", "no URI", False),
        ("sip:102@pbx.example", "sip:1 02@pbx.example", False),
    ],
)
def test_digest_holds_for_the_uri_it_was_made_for(asked: str, signed: str, accepted: bool) -> None:
    phone = Phone(Office(), signed_uri=signed)
    request = phone.request(method="INVITE", uri=asked)
    answer = phone.check(phone.sign(request, phone.challenge(proxy=True)), proxy=True)
    assert isinstance(answer, Account) if accepted else refusal(answer) == 400


@pytest.mark.parametrize(
    "broken",
    [
        'Digest username="101"',
        f"{ASKED}, qop=auth",
        f'{ASKED}, qop=auth, cnonce="c", nc=0',
        f'{ASKED}, qop=auth, cnonce="c", nc=g',
        f'{ASKED}, qop=auth, cnonce="c", nc=-1',
        f'{ASKED}, qop=auth, cnonce="c", nc=100000000',
        f'{ASKED}, qop=auth, cnonce="c", nc=\xb2',
    ],
)
def test_malformed_credentials_are_a_bad_request(broken: str) -> None:
    phone = Phone(Office())
    assert refusal(phone.check(phone.request(None, f"Authorization: {broken}"))) == 400


@pytest.mark.parametrize(
    "foreign",
    [
        "Basic MTAxOnNlY3JldA==",
        "Bearer abc",
        'Digest username="101", realm="elsewhere", nonce="n", uri="sip:pbx.example", response="r"',
        f"{ASKED}, algorithm=MD5-sess",
        f'{ASKED}, qop=auth-int, nc=00000001, cnonce="c"',
    ],
)
def test_credentials_that_were_not_asked_for_are_challenged_and_not_counted(foreign: str) -> None:
    office = Office()
    phone = Phone(office)
    for _ in range(2 * FREE):
        answer = phone.check(phone.request(None, f"Authorization: {foreign}"))
        assert refusal(answer) == 401
    assert not stale(answer)
    assert office.guard.blocks(NOW) == []


def test_our_credentials_are_found_among_others() -> None:
    phone = Phone(Office())
    request = phone.sign(phone.request(), phone.challenge())
    ours = request.rows("Authorization")[0]
    other = ours.replace(REALM, "elsewhere", 1)
    request.headers["Authorization"] = ["Basic abc", other, ours]
    assert isinstance(phone.check(request), Account)


def test_algorithm_and_scheme_are_read_in_any_case() -> None:
    phone = Phone(Office())
    request = phone.sign(phone.request(), phone.challenge())
    request.set("Authorization", request.rows("Authorization")[0].replace("MD5", "md5").replace("Digest", "DIGEST"))
    assert isinstance(phone.check(request), Account)


def test_recorded_request_is_not_accepted_again() -> None:
    phone = Phone(Office())
    request = phone.sign(phone.request(), phone.challenge())
    assert isinstance(phone.check(request), Account)
    again = phone.check(request)
    assert (refusal(again), stale(again)) == (401, True)


def test_nonce_is_reused_with_a_rising_count() -> None:
    phone = Phone(Office())
    challenge = phone.challenge()
    accepted = [
        isinstance(phone.check(phone.sign(phone.request(), challenge, nc)), Account)
        for nc in ("00000001", "00000002", "00000002", "0000000a", "00000003")
    ]
    assert accepted == [True, True, False, True, False]


def test_old_nonce_is_renewed_without_asking_the_person() -> None:
    office = Office()
    phone = Phone(office)
    challenge = phone.challenge()
    office.now += 301
    again = phone.check(phone.sign(phone.request(), challenge))
    assert (refusal(again), stale(again)) == (401, True)
    assert isinstance(again, Response)
    assert isinstance(phone.check(phone.sign(phone.request(), again)), Account)


def test_old_nonce_does_not_tell_whether_a_guess_was_right() -> None:
    office = Office()
    phone = Phone(office, password="guess")
    challenge = phone.challenge()
    office.now += 301
    assert stale(phone.check(phone.sign(phone.request(), challenge)))
    assert isinstance(office.authenticator.check(phone.request(), phone.flow.remote, office.now), Response)


def test_nonce_made_for_one_address_counts_nothing_at_another() -> None:
    office = Office()
    challenge = Phone(office).challenge()
    forger = Phone(office, password="guess", flow=FakeFlow(remote=("203.0.113.9", 5060)))
    for _ in range(2 * FREE):
        assert stale(forger.check(forger.sign(forger.request(), challenge)))
    assert office.guard.blocks(NOW) == []


@pytest.mark.parametrize("username", ["101", "777"])
def test_known_and_unknown_accounts_are_told_the_same(username: str) -> None:
    phone = Phone(Office(), username, password="guess")
    answers = [phone.guess("guess") for _ in range(FREE + 3)]
    assert [answer.status for answer in answers] == [401] * (FREE + 1) + [480, 480]
    assert [answer.get("Retry-After") for answer in answers[-2:]] == ["10", "10"]
    assert not any(stale(answer) for answer in answers[:-2])
    assert {tuple(answer.headers) for answer in answers[:-2]} == {
        ("Via", "From", "To", "Call-ID", "CSeq", "WWW-Authenticate")
    }


def test_first_challenge_never_counts() -> None:
    office = Office()
    phone = Phone(office)
    for _ in range(100):
        assert phone.challenge().status == 401
    assert phone.register().status == 200


def test_block_holds_for_the_right_password_too_until_it_ends() -> None:
    office = Office()
    phone = Phone(office)
    for number in range(FREE + 1):
        phone.guess(f"guess {number}")
    assert phone.register().status == 480
    office.now += 10
    assert phone.register().status == 200


def test_phone_that_repeats_its_old_password_is_never_counted() -> None:
    office = Office()
    phone = Phone(office)
    assert phone.register().status == 200
    office.directory = office.directory.with_changes(2, devices={"101": Device("101", "101", "desk", "renewed")})
    anna = replace(office.directory.users["101"], version=2)
    for _ in range(5 * FREE):
        assert phone.register().status == 401
        office.directory = office.directory.with_changes(3, users={"101": anna})
    neighbour = Phone(office, flow=FakeFlow(remote=("192.0.2.10", 7777)), password="renewed")
    assert neighbour.register().status == 200
    assert office.guard.blocks(NOW) == []


def test_registered_phone_goes_on_while_its_neighbour_guesses_at_the_same_account() -> None:
    office = Office()
    phone = Phone(office)
    assert phone.register().status == 200
    neighbour = Phone(office, flow=FakeFlow(remote=("192.0.2.10", 7777)))
    for _ in range(FREE + 2):
        answer = neighbour.guess("never right")
    assert answer.status == 480
    assert phone.register().status == 200


def test_password_guessed_from_a_registered_port_is_counted_there() -> None:
    office = Office()
    phone = Phone(office)
    assert phone.register().status == 200
    assert [phone.guess("guess").status for _ in range(FREE + 2)] == [401] * (FREE + 1) + [480]


def test_office_with_registered_phones_is_never_blocked_as_a_whole() -> None:
    office = Office()
    assert Phone(office).register().status == 200
    for number in range(2 * SCANNED):
        Phone(office, str(5000 + number), flow=FakeFlow(remote=("192.0.2.10", 7777))).guess("guess")
    assert Phone(office, "102", flow=FakeFlow(remote=("192.0.2.10", 8888))).register().status == 200


def test_new_password_counts_at_once_and_a_removed_account_is_unknown() -> None:
    office = Office()
    phone = Phone(office)
    assert phone.register().status == 200
    office.directory = office.directory.with_changes(2, devices={"101": Device("101", "101", "desk", "renewed")})
    assert phone.register().status == 401
    phone.password = "renewed"
    assert phone.register().status == 200
    office.directory = office.directory.with_changes(3, devices={"101": None})
    assert phone.register().status == 401


def test_account_is_that_of_the_newest_directory() -> None:
    office = Office()
    phone = Phone(office)
    phone.register()
    anna = replace(office.directory.users["101"], name="Anna", version=2)
    office.directory = office.directory.with_changes(2, users={"101": anna})
    account = phone.check(phone.sign(phone.request(), phone.challenge()))
    assert account == Account(anna, office.directory.devices["101"])


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("<sip:101@pbx.example>", 200),
        ('"Anna" <sip:101-a1b2@pbx.example>', 200),
        ('"Anonymous" <sip:anonymous@anonymous.invalid>', 200),
        ("<sip:102@pbx.example>", 403),
        ('"<sip:101@pbx.example>" <sip:102@pbx.example>', 403),
        ("<sip:777@pbx.example>", 403),
        ("<sip:pbx.example>", 403),
        ("<sip:600@pbx.example>", 403),
        ("<sip:1 01@pbx.example>", 400),
    ],
)
def test_from_must_be_the_account_s_own(origin: str, status: int) -> None:
    phone = Phone(Office())
    request = phone.request(method="INVITE", uri="sip:102@pbx.example")
    request.set("From", f"{origin};tag=t1")
    answer = phone.check(phone.sign(request, phone.challenge(proxy=True)), proxy=True)
    assert isinstance(answer, Account) if status == 200 else refusal(answer) == status


def test_retransmission_is_challenged_with_the_same_tag() -> None:
    phone = Phone(Office())
    request = phone.request()
    first, second, other = phone.check(request), phone.check(request), phone.check(phone.request())
    assert isinstance(first, Response)
    assert isinstance(second, Response)
    assert isinstance(other, Response)
    assert first.to_tag == second.to_tag != other.to_tag


@pytest.mark.parametrize("octet", ["\x00", "\x7f", "\xe9", "\xff"])
@pytest.mark.parametrize("field", ["username", "response", "cnonce", "uri", "nonce"])
def test_octets_that_are_no_text_are_only_wrong(field: str, octet: str) -> None:
    phone = Phone(Office())
    request = phone.sign(phone.request(), phone.challenge())
    credentials = parse_credentials(request.rows("Authorization")[0])
    assert credentials is not None
    spoiled = credentials._replace(**{field: getattr(credentials, field) + octet})
    request.set("Authorization", format_credentials(spoiled))
    assert refusal(phone.check(request)) in (400, 401)


@pytest.mark.parametrize(("realm", "algorithms"), [("a", ()), ("a", ("SHA-1",)), ('a"b', ("MD5",)), ("a\\", ("MD5",))])
def test_what_cannot_be_offered_is_refused_at_the_start(realm: str, algorithms: tuple[str, ...]) -> None:
    office = Office()
    with pytest.raises(ValueError, match=r"algorithms|realm"):
        Authenticator(lambda: office.directory, realm, office.nonces, office.guard, office.bindings, algorithms)


def test_secrets_of_removed_accounts_are_not_kept_for_ever() -> None:
    office = Office(directory())
    for number in range(200):
        office.directory = directory(str(number))
        assert Phone(office, str(number)).register().status == 200
    kept = office.authenticator._secrets["MD5"]
    assert len(kept) < 10
