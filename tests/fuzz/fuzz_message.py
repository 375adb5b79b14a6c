"""Feeds whatever a coverage-guided fuzzer thinks of to the parser of messages.

    python -m tests.fuzz.fuzz_message -runs=200000 [folder of a corpus]

Ends with a traceback at the first error that the parser does not document, or where what was read is written so
that it reads differently. Needs atheris (`pip install -e .[peers]`).
"""

import sys
from collections.abc import Callable

import atheris

with atheris.instrument_imports(include=["sip"]):
    from sip.errors import ParseError
    from sip.message import MalformedRequest, Message, Request, parse
    from sip.transaction.keys import peek_key, server_key


def read_everything(message: Message) -> None:
    """Asks the message for all that it can be asked for; each answer may be a ParseError."""
    readers: list[Callable[[str], object]] = [
        message.elements,
        message.tokens,
        _addresses_of(message),
        _number_of(message),
    ]
    for name in message.headers:
        for read in readers:
            try:
                read(name)
            except ParseError:
                continue


def _addresses_of(message: Message) -> Callable[[str], object]:
    return lambda name: [(str(address), address.parsed_uri()) for address in message.addresses(name)]


def _number_of(message: Message) -> Callable[[str], object]:
    return lambda name: message.number(name, 100)


def take(data: bytes) -> None:
    """One message, in a datagram or (by its first octet) on a stream."""
    stream, data = data[:1] == b"\x01", data[1:]
    key = peek_key(data)
    try:
        message = parse(data, stream=stream)
    except MalformedRequest as error:
        read_everything(error.request)
        return
    except ParseError:
        return
    read_everything(message)
    written = message.to_bytes()
    again = parse(written, stream=True)
    if (again.headers, again.body, again.via) != (message.headers, message.body, message.via):
        raise AssertionError("read differently after it was written")
    if again.to_bytes() != written:
        raise AssertionError("written differently the second time")
    if isinstance(message, Request):
        server_key(message)
        if key is not None and not key.endswith(f" {message.via.branch}"):
            raise AssertionError("the key of another transaction")


def main() -> None:
    atheris.Setup(sys.argv, take)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
