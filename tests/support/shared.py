"""Where the kit of data that several projects share is: torture messages, digest vectors, session descriptions.

It is no part of this repository. Tests that want it skip without it and say what they skip; cases of our own cover
the same ground.
"""

import os
from pathlib import Path

VARIABLE = "GORIZONT_SHARED"


def shared_data(*parts: str) -> Path | None:
    """A file or folder of the kit, or None where it is not.

    The kit is the folder that the environment variable GORIZONT_SHARED names, or else one called `shared` beside
    the checkout.
    """
    named = os.environ.get(VARIABLE)
    root = Path(named) if named else Path(__file__).parents[3] / "shared"
    path = root.joinpath(*parts)
    return path if path.exists() else None
