"""Nonces that nobody has to remember (RFC 7616 §5.4).

A nonce says itself when it was made and is sealed for the address that asked for it. What is remembered is
one octet for each of the last million: the highest count that an answer to it had. So memory is the same
under any flood, and an answer that somebody recorded is good for nothing.
"""

import hashlib
import hmac
import os
from typing import Final

LIFE: Final = 300.0  # seconds. Kamailio's auth module: 300, Asterisk: 32, FreeSWITCH: 60
REMEMBERED: Final = 2**20  # nonces, one octet each; at a thousand a second they last longer than LIFE

ONCE: Final = 0  # the count of an answer without one (RFC 2069), which uses its nonce up
LAST: Final = 254  # the highest count that an answer may have; then the client gets another nonce

_USED_UP: Final = 255

_SERIAL: Final = 10  # hexadecimal digits
_PLAIN: Final = 18  # serial and time
_WHOLE: Final = 38  # with the seal of 80 bits


class Nonces:
    """Issues nonces and says whether an answer to one counts.

    Every start has a secret of its own, so nonces of an earlier start are like made-up ones: not accepted,
    and to be replaced by a fresh one.

    Args:
        life: seconds for which a nonce can be answered.
        remembered: how many of the newest nonces can be answered; a power of two.
    """

    def __init__(self, life: float = LIFE, remembered: int = REMEMBERED) -> None:
        if remembered < 1 or remembered & (remembered - 1):
            raise ValueError(f"{remembered} is no power of two")
        self._life = life
        self._remembered = remembered
        self._secret = os.urandom(32)
        self._serial = 0
        self._counts = bytearray(remembered)  # by serial: the highest count met, 0 for none

    def issue(self, host: str, now: float) -> str:
        """A nonce for the peer at `host`; `now` in seconds."""
        serial = self._serial = self._serial + 1
        self._counts[serial & (self._remembered - 1)] = 0
        plain = f"{serial:010x}{int(now):08x}"
        return plain + self._seal(plain, host)

    def use(self, nonce: str, host: str, count: int, now: float) -> bool:
        """Whether an answer from `host` with this count is the first of its kind and came in time.

        From then on only higher counts are accepted for this nonce. An answer with a counter must be given
        its counter, one without it `ONCE`.
        """
        plain = nonce[:_PLAIN]
        if len(nonce) != _WHOLE or not nonce.isascii():
            return False
        if not hmac.compare_digest(nonce[_PLAIN:], self._seal(plain, host)):
            return False
        serial = int(plain[:_SERIAL], 16)
        # A clock that was set back makes nonces seem to come from the future; they are not worth more for it.
        if abs(now - int(plain[_SERIAL:], 16)) > self._life or self._serial - serial >= self._remembered:
            return False
        slot = serial & (self._remembered - 1)
        if count == ONCE:
            count = _USED_UP
        elif count > LAST:
            return False
        if count <= self._counts[slot]:
            return False
        self._counts[slot] = count
        return True

    def _seal(self, plain: str, host: str) -> str:
        text = (plain + host).encode("latin-1")
        return hashlib.blake2b(text, digest_size=10, key=self._secret).hexdigest()
