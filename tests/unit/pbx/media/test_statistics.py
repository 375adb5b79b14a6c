"""What is counted of a stream, and what a listener would say."""

from itertools import pairwise

import pytest

from pbx.media.relay.statistics import Reception, mean_opinion


def arrive(reception: Reception, *sequences: int) -> None:
    for sequence in sequences:
        if reception.base < 0 or not reception.out_of_order(sequence):
            reception.begin(sequence)
        reception.packets += 1


def test_every_packet_that_comes_is_expected() -> None:
    reception = Reception(8000)
    arrive(reception, 10, 11, 12)
    assert (reception.expected, reception.lost) == (3, 0)


def test_gap_counts_as_lost_until_the_late_packet_comes() -> None:
    reception = Reception(8000)
    arrive(reception, 10, 13)
    assert reception.lost == 2
    arrive(reception, 11)
    assert reception.lost == 1


def test_numbers_go_on_after_65535() -> None:
    reception = Reception(8000)
    arrive(reception, 65_534, 65_535, 0, 1)
    assert (reception.expected, reception.lost) == (4, 0)
    assert reception.extended == 65_537


def test_late_packet_from_before_the_overflow_is_no_new_cycle() -> None:
    reception = Reception(8000)
    arrive(reception, 65_534, 0, 65_535, 1)
    assert (reception.expected, reception.lost) == (4, 0)


def test_sender_that_begins_anew_has_lost_nothing() -> None:
    reception = Reception(8000)
    arrive(reception, 10, 12)
    arrive(reception, 40_000, 40_001)
    assert reception.lost == 1


def test_copies_do_not_make_the_loss_negative() -> None:
    reception = Reception(8000)
    arrive(reception, 10, 10, 10)
    assert reception.lost == 0


def test_pause_is_no_loss() -> None:
    reception = Reception(8000)
    arrive(reception, 10, 12)
    reception.pause()
    reception.packets += 1
    reception.begin(5000)
    arrive(reception, 5000, 5001)
    assert reception.lost == 1


def test_fraction_is_of_what_came_since_the_last_report() -> None:
    reception = Reception(8000)
    arrive(reception, 1, 2, 3, 4)
    assert reception.fraction_lost() == 0
    arrive(reception, 6, 8)
    assert reception.fraction_lost() == 128  # two of four
    assert reception.fraction_lost() == 0


def test_perfect_line_is_nearly_as_good_as_it_gets() -> None:
    assert mean_opinion("PCMU", loss=0, jitter=0, round_trip=0) == pytest.approx(4.39, abs=0.03)


def test_more_loss_delay_or_jitter_is_never_better() -> None:
    for worse in (
        [mean_opinion("PCMA", loss=loss / 100, jitter=0, round_trip=20) for loss in range(101)],
        [mean_opinion("PCMA", loss=0, jitter=jitter, round_trip=20) for jitter in range(0, 1000, 10)],
        [mean_opinion("PCMA", loss=0, jitter=0, round_trip=trip) for trip in range(0, 3000, 50)],
    ):
        assert all(one >= next_one for one, next_one in pairwise(worse))
        assert worse[0] > worse[-1] >= 1


def test_five_percent_of_loss_is_heard_by_everybody() -> None:
    assert mean_opinion("PCMU", loss=0.05, jitter=0, round_trip=0) == pytest.approx(3.9, abs=0.2)


@pytest.mark.parametrize("codec", ["", "something new", "G729"])
def test_every_codec_has_an_opinion(codec: str) -> None:
    assert 1 <= mean_opinion(codec, loss=0, jitter=0, round_trip=None) <= 4.5
