"""What comes to the browsers' port: `python -m tests.fuzz.fuzz_stun [-runs=N] [-max_total_time=SECONDS] [DIR]`.

Nothing that is not an authentic check may be answered, become known, or raise. The inputs that reached something new
are kept in DIR, or in a folder `gorizont-fuzz-stun` among the temporary files.
"""

from aioice.stun import Class, Message, Method

from pbx.media.relay import ice
from tests.fuzz.running import fuzz

CREDENTIALS = ice.Credentials("gorizont1234", "p" * 24)


def checks() -> dict[str, bytes]:
    """Authentic and nearly authentic ones, to begin with."""
    found = {}
    for name, password, more in (
        ("good", CREDENTIALS.password, {"USE-CANDIDATE": None}),
        ("controlled", CREDENTIALS.password, {"ICE-CONTROLLED": 7}),
        ("forged", "q" * 24, {"PRIORITY": 5}),
    ):
        request = Message(Method.BINDING, Class.REQUEST, b"t" * 12, {"USERNAME": f"{CREDENTIALS.ufrag}:them", **more})
        request.add_message_integrity(password.encode())
        found[name] = bytes(request)
    return found


def check_stun(data: bytes) -> None:
    """Raises AssertionError, or whatever should not be raised."""
    check = ice.read_check(data)
    if check is None or not ice.is_authentic(check, CREDENTIALS):
        return
    # Who has no password can't make one: what passes is one of those that we have signed ourselves, or says so in
    # parts that the digest doesn't cover.
    assert any(data[:20] == good[:20] or data[28:60] in good for good in checks().values())
    for source in (("192.0.2.1", 5000), ("2001:db8::1", 5000, 0, 0)):
        assert ice.answer(check, CREDENTIALS, source)


SEEDS = checks()


if __name__ == "__main__":
    fuzz("stun")
