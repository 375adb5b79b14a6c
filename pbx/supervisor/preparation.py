"""What has to be there before any process runs, seen to by a process of its own: `pbx.first_start`.

That one loads what talks to the database and what makes certificates, and takes it along when it ends. The supervisor,
which lives for months and needs neither, stays small.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pbx.supervisor.process import ends_with

RENEWAL_SECONDS = 60.0  # the supervisor waits as long, and does nothing else


class PreparationFailed(Exception):
    """What has to be there can't be made; the message is one line for an admin."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """How it was found.

    Args:
        news: what was made or renewed, in words.
        users: how many there are, apart from the admin that the first start makes.
        user: who signs in first, with `password`; "" where somebody can already.
    """

    news: tuple[str, ...]
    users: int
    user: str = ""
    password: str = field(default="", repr=False)


def prepare(place: Sequence[str]) -> Prepared:
    """Makes what is missing, however long that takes. Raises PreparationFailed.

    Args:
        place: the options that name the data folder and the configuration.
    """
    said = _first_start(place, None)
    return Prepared(tuple(said["news"]), said["users"], said["user"], said["password"])


def renew(place: Sequence[str]) -> Sequence[str]:
    """Renews the server's certificate where that is due; what was made, in words. Raises PreparationFailed."""
    return list(_first_start(["--certificates", *place], RENEWAL_SECONDS)["news"])


def _first_start(arguments: Sequence[str], seconds: float | None) -> dict[str, Any]:
    command = (sys.executable, "-m", "pbx.first_start", "--json", *arguments)
    try:
        done = subprocess.run(  # noqa: S603  a command of our own
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=seconds,
            check=False,
            process_group=0,  # out of reach of the terminal's Ctrl-C, which we hear
            preexec_fn=ends_with(os.getpid()),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PreparationFailed(f"the first start can't be carried out: {error}") from error
    try:
        said = dict(json.loads(done.stdout))
    except ValueError:
        raise PreparationFailed("the first start has failed by a fault of the program") from None
    if "error" in said:
        raise PreparationFailed(said["error"])
    return said
