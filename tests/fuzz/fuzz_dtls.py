"""DTLS records of hostile parties: `python -m tests.fuzz.fuzz_dtls [-runs=N] [-max_total_time=SECONDS] [DIR]`.

Whatever comes before, during or after a handshake is taken without an exception, and makes nobody trusted who has
not shown the certificate that was signalled. The inputs that reached something new are kept in DIR, or in a folder
`gorizont-fuzz-dtls` among the temporary files.
"""

from pbx.media.relay.dtls import Handshake, Identity, State
from tests.fuzz.running import fuzz

OURS, THEIRS = Identity(), Identity()
DATAGRAM = 1500  # octets; an input is cut into pieces of that size


def complete() -> tuple[Handshake, list[bytes]]:
    """A handshake that has come to its end, and what the browser has sent for it."""
    us, browser = (
        Handshake(OURS, [THEIRS.fingerprint], server=True),
        Handshake(THEIRS, [OURS.fingerprint], server=False),
    )
    sent: list[bytes] = []
    outgoing = browser.begin()
    while outgoing:
        sent += outgoing
        outgoing = [record for one in outgoing for reply in us.take(one) for record in browser.take(reply)]
    return us, sent


def check_dtls(data: bytes) -> None:
    """Raises AssertionError, or whatever should not be raised."""
    pieces = [data[at : at + DATAGRAM] for at in range(0, len(data), DATAGRAM)]
    for server in (True, False):
        handshake = Handshake(OURS, [THEIRS.fingerprint], server=server)
        if not server:
            handshake.begin()
        for piece in pieces:
            handshake.take(piece)
        assert handshake.state is not State.CONNECTED
        assert handshake.keys is None
        _ = handshake.timeout
    us, _ = complete()
    assert us.state is State.CONNECTED
    keys = us.keys
    for piece in pieces:
        us.take(piece)
    assert us.keys is keys


SEEDS = {f"record {number}": record for number, record in enumerate(complete()[1])}


if __name__ == "__main__":
    fuzz("dtls")
