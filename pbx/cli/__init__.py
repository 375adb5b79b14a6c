"""The command line: every action of an admin, beside a running server and in force at once.

    gorizont user add 101 --name "Anna Orlova"

`arguments` says what can be typed; each command is a function of the module named after its subject that
takes the options and an `Office` and returns an `Answer`. Modules are imported when their command is given,
so that each command starts fast.
"""

from pbx.cli.program import main

__all__ = ["main"]
