"""Nonces without a memory: good once for each count, for a while, for whom they were made."""

import pytest

from pbx.registrar.nonces import LAST, LIFE, ONCE, Nonces

NOW = 1_800_000_000.0
HOST = "192.0.2.10"


def test_counts_must_rise() -> None:
    nonces = Nonces()
    nonce = nonces.issue(HOST, NOW)
    counts = [1, 1, 3, 2, 3, 4, LAST, LAST, LAST + 1, 2**31]
    used = [nonces.use(nonce, HOST, count, NOW) for count in counts]
    assert used == [True, False, True, False, False, True, True, False, False, False]


def test_answer_without_count_uses_its_nonce_up() -> None:
    nonces = Nonces()
    nonce = nonces.issue(HOST, NOW)
    assert [nonces.use(nonce, HOST, count, NOW) for count in (ONCE, ONCE, 1, 2)] == [True, False, False, False]


@pytest.mark.parametrize(
    ("age", "good"), [(0.0, True), (LIFE, True), (LIFE + 1, False), (-1.0, True), (-LIFE - 1, False), (1e9, False)]
)
def test_nonce_holds_for_its_life(age: float, good: bool) -> None:
    nonces = Nonces()
    assert nonces.use(nonces.issue(HOST, NOW), HOST, 1, NOW + age) is good


def test_nonce_of_another_start_or_another_address_is_not_ours() -> None:
    nonces = Nonces()
    assert not nonces.use(Nonces().issue(HOST, NOW), HOST, 1, NOW)
    nonce = nonces.issue(HOST, NOW)
    assert not nonces.use(nonce, "192.0.2.11", 1, NOW)
    assert nonces.use(nonce, HOST, 1, NOW)


def test_no_digit_of_a_nonce_can_be_changed() -> None:
    nonces = Nonces()
    nonce = nonces.issue(HOST, NOW)
    for position, digit in enumerate(nonce):
        forged = nonce[:position] + ("0" if digit != "0" else "1") + nonce[position + 1 :]
        assert not nonces.use(forged, HOST, 1, NOW)
    assert nonces.use(nonce, HOST, 1, NOW)


@pytest.mark.parametrize("text", ["", "x", "0" * 38, "\xe9" * 38, "0" * 37 + "\xe9", "g" * 38, "9" * 5000])
def test_nonsense_is_no_nonce(text: str) -> None:
    assert not Nonces().use(text, HOST, 1, NOW)


def test_nonces_that_were_pushed_out_do_not_count() -> None:
    nonces = Nonces(remembered=4)
    issued = [nonces.issue(HOST, NOW) for _ in range(6)]
    assert [nonces.use(nonce, HOST, 1, NOW) for nonce in issued] == [False, False, True, True, True, True]


def test_new_nonce_does_not_inherit_the_count_of_the_one_it_pushes_out() -> None:
    nonces = Nonces(remembered=1)
    assert nonces.use(nonces.issue(HOST, NOW), HOST, 7, NOW)
    assert nonces.use(nonces.issue(HOST, NOW), HOST, 1, NOW)


@pytest.mark.parametrize("remembered", [0, 3, -4])
def test_size_that_is_no_power_of_two_is_refused(remembered: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        Nonces(remembered=remembered)
