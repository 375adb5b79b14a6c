"""From the command line to an exit status: 0, or 1 with one clear line on standard error."""

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, cast

from config.data import DataFolder
from pbx.cli.answer import Answer
from pbx.cli.arguments import parser

if TYPE_CHECKING:
    from pbx.cli.office import Office

Command = Callable[[argparse.Namespace, "Office"], Answer]


def main(arguments: Sequence[str] | None = None) -> int:
    """Carries out one command; `arguments` are those of this process if not given."""
    options = parser().parse_args(arguments)
    try:
        status = _serve(options) if options.command == "serve" else _answer(options)
        sys.stdout.flush()  # here, where a failure is still noticed
    except BrokenPipeError:  # as in `gorizont calls | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return _fail("interrupted")
    except Exception as error:
        from pbx.cli.failures import in_words

        return _fail(in_words(error))
    return status


def _serve(options: argparse.Namespace) -> int:
    from pbx.supervisor.serve import serve

    return serve(DataFolder.locate(options.data), options.config)


def _answer(options: argparse.Namespace) -> int:
    from pbx.cli.office import Office

    module, _, name = options.function.partition(":")
    command = cast(Command, getattr(import_module(module), name))
    office = Office(DataFolder.locate(options.data), options.config)
    try:
        answer = command(options, office)
    finally:
        office.close()
    if options.json:
        warnings = {"warnings": list(answer.warnings)} if answer.warnings else {}
        print(json.dumps({**answer.values, **warnings}, ensure_ascii=False, indent=2))
    else:
        for line in answer.lines:
            print(line)
    for warning in answer.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    return 0 if answer.failure is None else _fail(answer.failure)


def _fail(message: str) -> int:
    print(f"gorizont: {message}", file=sys.stderr)
    return 1
