"""The guard against guessing: wrong passwords cost time, and only the one who sends them pays.

What is counted is wrong answers by (address, account): a few are free, every further one blocks this
account from this address, longer each time. Others behind the same address go on. So do phones that are
registered: each is counted by its own port (`port` below), whatever a neighbour does with the same account.
An address that tries many accounts and never knew a right password is blocked as a whole.

A request without credentials counts nothing, nor does an answer to a nonce that is not good for its sender;
so nobody can have a neighbour blocked by forging his address.
"""

import logging
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Network
from math import ceil
from typing import TypeVar

logger = logging.getLogger(__name__)

FREE = 5  # wrong answers that cost nothing; Asterisk's and FreeSWITCH's fail2ban rules ban after 5
FIRST_DELAY = 10.0  # seconds, doubled with each further wrong answer
LONGEST_DELAY = 900.0  # seconds
FORGOTTEN_AFTER = 3600.0  # seconds without a wrong answer
SCANNED = 20  # accounts tried from one address that make it a scanner
TRUSTED_FOR = 86_400.0  # seconds after a right password during which an address is no scanner
REFRESH = 600.0  # seconds; a right password is noted at most so often
MOST_ENTRIES = 10_000  # of each table; the oldest goes first
LONGEST_NAME = 64  # characters of an account that are told apart

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Block:
    """One who has to wait: `what` is `account@address`, or an address alone.

    `since` and `until` are seconds like `now`; `attempts` counts wrong answers and refused ones since `since`.
    """

    what: str
    why: str
    since: float
    until: float
    attempts: int


class _Record:
    """Wrong answers of one source."""

    __slots__ = ("attempts", "last", "since", "until", "wrong")

    def __init__(self, now: float) -> None:
        self.since = now
        self.last = now
        self.until = 0.0
        self.wrong = 0
        self.attempts = 0

    def wait(self, now: float) -> int:
        left = self.until - now
        # A clock that was set back must not prolong a block.
        if left <= 0.0 or left > LONGEST_DELAY:
            return 0
        self.attempts += 1
        return ceil(left)

    def count(self, now: float, free: int) -> float:
        """Counts something wrong; the seconds to wait from now on."""
        self.last = now
        self.wrong += 1
        if self.wrong <= free:
            return 0.0
        # Ten doublings are beyond LONGEST_DELAY already.
        delay = min(FIRST_DELAY * 2.0 ** min(self.wrong - free - 1, 10), LONGEST_DELAY)
        self.until = now + delay
        return delay


class Guard:
    """Counts wrong answers and says who has to wait. Times are seconds of one clock."""

    def __init__(self) -> None:
        self._accounts: dict[tuple[str, str], _Record] = {}  # (account, place)
        self._scanners: dict[str, _Record] = {}
        self._trusted: dict[str, float] = {}  # address -> when it last knew a right password

    def wait(self, host: str, account: str, now: float, port: int | None = None) -> int:
        """Seconds that this account has to wait at this address, 0 for none.

        `port` is given for a phone that is registered from there.
        """
        place = host if ":" not in host else network_of(host)
        if port is None:
            scanner = self._scanners.get(place)
            if scanner is not None and not self._trusts(place, now):
                seconds = scanner.wait(now)
                if seconds:
                    return seconds
        else:
            place = f"{place}:{port}"
        record = self._accounts.get((account[:LONGEST_NAME], place))
        return 0 if record is None else record.wait(now)

    def failed(self, host: str, account: str, now: float, port: int | None = None) -> None:
        """Notes a wrong answer to a challenge that was made for this address."""
        account, place = account[:LONGEST_NAME], network_of(host)
        if port is not None:
            place = f"{place}:{port}"
        record = self._accounts.pop((account, place), None)
        if record is None or now - record.last > FORGOTTEN_AFTER:
            record = _Record(now)
            if port is None:
                self._note_account(place, now)
        _keep(self._accounts, (account, place), record)
        record.attempts += 1
        delay = record.count(now, FREE)
        if delay:
            logger.warning("! %s waits %d s: %s", _what(account, place), delay, _wrong_passwords(record))

    def succeeded(self, host: str, now: float) -> None:
        """Notes that somebody at this address knows a right password."""
        place = host if ":" not in host else network_of(host)
        if now - self._trusted.get(place, 0.0) > REFRESH:
            self._trusted.pop(place, None)
            _keep(self._trusted, place, now)

    def blocks(self, now: float) -> list[Block]:
        """Everybody who has to wait, the longest block first."""
        found = [
            Block(_what(account, place), _wrong_passwords(record), record.since, record.until, record.attempts)
            for (account, place), record in self._accounts.items()
            if now < record.until
        ]
        found += [
            Block(place, _many_accounts(record), record.since, record.until, record.attempts)
            for place, record in self._scanners.items()
            if now < record.until and not self._trusts(place, now)
        ]
        return sorted(found, key=lambda block: -block.until)

    def release(self, what: str) -> int:
        """Forgets wrong answers by what `blocks` shows, or by account or address alone. How many it forgot."""
        accounts = [
            (account, place)
            for account, place in self._accounts
            if what in (_what(account, place), _printable(account), place)
        ]
        for key in accounts:
            del self._accounts[key]
        scanner = self._scanners.pop(what, None)
        return len(accounts) + (scanner is not None)

    def _trusts(self, place: str, now: float) -> bool:
        return now - self._trusted.get(place, -TRUSTED_FOR) < TRUSTED_FOR

    def _note_account(self, place: str, now: float) -> None:
        """Counts an account that this address was not known to have tried."""
        scanner = self._scanners.pop(place, None)
        if scanner is None or now - scanner.last > FORGOTTEN_AFTER:
            scanner = _Record(now)
        _keep(self._scanners, place, scanner)
        scanner.attempts += 1
        delay = scanner.count(now, SCANNED)
        if delay and not self._trusts(place, now):
            logger.warning("! %s waits %d s: %s", place, delay, _many_accounts(scanner))


def _keep(table: dict[_Key, _Value], key: _Key, value: _Value) -> None:
    """Puts an entry last, and takes the first one out of a table that is full."""
    table[key] = value
    if len(table) > MOST_ENTRIES:
        del table[next(iter(table))]


@lru_cache(maxsize=4096)
def network_of(host: str) -> str:
    """Whom an address stands for: with IPv6, whoever has one address has the whole network of 64 bits."""
    return str(IPv6Network((host.partition("%")[0], 64), strict=False)) if ":" in host else host


def _what(account: str, place: str) -> str:
    return f"{_printable(account)}@{place}"


def _wrong_passwords(record: _Record) -> str:
    return f"{record.wrong} wrong passwords"


def _many_accounts(record: _Record) -> str:
    return f"wrong passwords for {record.wrong} accounts"


def _printable(text: str) -> str:
    """An account name as sent, fit for a terminal and a log."""
    return text if text.isprintable() else "".join([char if char.isprintable() else "?" for char in text])
