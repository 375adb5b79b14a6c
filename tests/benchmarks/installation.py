"""Makes a data folder whose users and rules are those of the kit, by the code of the build that is to be measured.

    python -m tests.benchmarks.installation FOLDER USERS.csv [--web]

Run in a process of its own with the packages of that build first on its path. `--web` gives the server
a web server too. Prints the address of SIP over UDP.
"""

import argparse
import csv
import io
from collections.abc import Sequence
from pathlib import Path

from pbx.directory.forwarding import set_rule
from pbx.directory.importing import add_users, read_users
from pbx.directory.secrets import SecretBox
from pbx.directory.snapshot import RuleKind
from tests.benchmarks.kit import User
from tests.support.server import ACTOR, Server


def install(folder: Path, users: Sequence[User], *, web: bool) -> str:
    """Everything in one transaction, all settings but the ports at their defaults; the address."""
    server = Server(folder, domain="127.0.0.1", web=web)
    rows = io.StringIO()
    table = csv.writer(rows)
    table.writerow(("number", "sip-password"))
    table.writerows((user.number, user.password) for user in users)
    box = SecretBox.open(server.data.storage_key)
    with server.store.transaction() as tx:
        add_users(tx, read_users(rows.getvalue().encode()), box=box, password_hashes={}, actor=ACTOR)
        for user in users:
            if user.target is not None:
                set_rule(tx, user.number, RuleKind.BUSY, [user.target], actor=ACTOR)
    server.store.close()
    return server.udp


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.installation")
    parser.add_argument("folder", type=Path)
    parser.add_argument("users", type=Path)
    parser.add_argument("--web", action="store_true")
    options = parser.parse_args()
    print(install(options.folder, User.read_all(options.users), web=options.web))
