"""From the command line to an exit status: 0, or 1 with one clear line on standard error."""

import argparse
import io
import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from config.data import DataFolder
from pbx.cli.answer import Answer
from pbx.cli.arguments import parser
from pbx.log import printable

if TYPE_CHECKING:
    from pbx.cli.office import Office

Command = Callable[[argparse.Namespace, "Office"], Answer]


def main(arguments: Sequence[str] | None = None) -> int:
    """Carries out one command; `arguments` are those of this process if not given."""
    options = parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal of one language only: what is done cannot be shown again
        sys.stdout.reconfigure(errors="backslashreplace")
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
    # Much of what is printed was said by phones, whoever holds them.
    if options.json:
        warnings = {"warnings": list(answer.warnings)} if answer.warnings else {}
        print(_as_json({**answer.values, **warnings}))
    else:
        for line in answer.lines:
            print(printable(line))
    for warning in answer.warnings:
        print(f"warning: {printable(warning)}", file=sys.stderr)
    return 0 if answer.failure is None else _fail(printable(answer.failure))


def _as_json(values: dict[str, Any]) -> str:
    """Names as they are written, unless the terminal cannot show them, or would act on something among them."""
    text = json.dumps(values, ensure_ascii=False, indent=2)
    with suppress(UnicodeEncodeError):
        text.encode(sys.stdout.encoding or "utf-8")  # None where it is no terminal or file, but text in memory
        if text.replace("\n", "").isprintable():
            return text
    return json.dumps(values, indent=2)


def _fail(message: str) -> int:
    print(f"gorizont: {message}", file=sys.stderr)
    return 1
