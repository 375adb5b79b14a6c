"""Messages from hostile octets: `python -m tests.fuzz.fuzz_message [-runs=N] [-max_total_time=SECONDS] [DIR]`.

Input may be rejected with the documented exception, ParseError; any other exception is a finding. What is read must be
written so that it reads the same. The inputs that reached something new are kept for the next time: in DIR, or in a
folder `gorizont-fuzz-message` among the temporary files.
"""

from collections.abc import Callable

from sip.errors import ParseError
from sip.message import MalformedRequest, Message, Request, parse
from sip.transaction.keys import key_of, server_key
from tests.fuzz.running import fuzz
from tests.support.messages import SDP, request, response

SEEDS = {
    "request": b"\0" + request("INVITE", "sip:102@example.org;a=b?c=d", "m: <sip:a@h>;q=0.5", "k: x, y", body=SDP),
    "stream": b"\1" + request("REGISTER", "sip:[2001:db8::1]:5060", "Contact: *", "Expires: 0"),
    "response": b"\0" + response(200, "INVITE", 'Contact: "A, \\"B" <sip:a@h;x=y>;expires=7', "Retry-After: 5"),
    "folded": b"\0" + request("OPTIONS", via="SIP / 2.0\r\n / UDP h ;\r\n\tbranch = z9hG4bK1 , SIP/2.0/TCP [::1]:5"),
    "other scheme": b"\0" + request("OPTIONS", "tel:+1-201;phone-context=h", 'Subject: "', from_="<urn:x:y>;tag=1"),
}


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


def check_message(data: bytes) -> None:
    """One message, in a datagram or (by its first octet) on a stream."""
    stream, data = data[:1] == b"\x01", data[1:]
    key = key_of(data.decode("latin-1"))
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
    if isinstance(message, Request) and key not in ("", server_key(message)):
        raise AssertionError("the key of another request")


if __name__ == "__main__":
    fuzz("message")
