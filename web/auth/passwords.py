"""What a password of a person has to be, and whether one is right."""

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from pbx.directory.secrets import generate_password, hash_password
from web.errors import Invalid

SHORTEST = 8  # NIST SP 800-63B §5.1.1.2: at least 8, no rules about kinds of characters
LONGEST = 128
FEWEST_DIFFERENT = 4


def is_right(password_hash: str | None, password: str) -> bool:
    """Whether this is the password. Takes a tenth of a second of a core, whatever the answer."""
    nobody = _nobody()
    try:
        PasswordHasher().verify(nobody if password_hash is None else password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


@cache
def _nobody() -> str:
    """What is compared with where there is no such account, so that the time of an answer does not tell which exist."""
    return hash_password(generate_password())


def check_new(password: str, *, old: str, account: str) -> str:
    """A password that somebody may choose. Raises Invalid, which names the field `new_password`."""
    problem = None
    if not SHORTEST <= len(password) <= LONGEST:
        problem = f"a password has {SHORTEST} to {LONGEST} characters"
    elif password == old:
        problem = "the new password is the old one"
    elif len(set(password)) < FEWEST_DIFFERENT or password.replace(account, "") == "":
        problem = "this password is too easy to guess"
    if problem is not None:
        raise Invalid(problem, code="weak-password", details={"new_password": [problem]})
    return password
