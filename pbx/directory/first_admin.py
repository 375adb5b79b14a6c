"""The account that an installation begins with."""

from dataclasses import dataclass, field

from pbx.directory.checks import ADMIN
from pbx.directory.models import UserRow
from pbx.directory.secrets import generate_password, hash_password
from pbx.directory.users import add_first_admin, admins_who_sign_in
from pbx.storage.unit import Store

ACTOR = "first start"


@dataclass(frozen=True, slots=True)
class FirstAdmin:
    """Whom to sign in as first. The password is good for choosing another one, and is shown this once."""

    user: str
    password: str = field(repr=False)


def first_admin(store: Store) -> FirstAdmin | None:
    """Adds the first admin with a one-time password; None where somebody can sign in as an admin already.

    Raises DatabaseRefused.
    """
    with store.reading() as session:
        if admins_who_sign_in(session) or session.get(UserRow, ADMIN) is not None:
            return None
    password = generate_password()
    password_hash = hash_password(password)
    with store.transaction() as tx:
        add_first_admin(tx, password_hash=password_hash, actor=ACTOR)
    return FirstAdmin(ADMIN, password)
