"""The kinds of value that a setting can have: each says what it allows and reads what was written.

A kind stands in the annotation of a settings field, so that field, check and wording of the error
stay together. `read` takes a value as TOML gives it; `from_text` turns the text of an environment
variable into such a value first.
"""

import ipaddress
import re
import socket
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

HOST_NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*")  # RFC 1123 §2.1
MAX_SOCKET_PATH = 107  # octets in sockaddr_un.sun_path on Linux, without its final NUL


class Address(NamedTuple):
    """An IP address and a port to listen on; port 0 lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Kind(Protocol):
    """What a setting may be."""

    @property
    def allowed(self) -> str:
        """The allowed values, in words that complete the sentence "expected …"."""

    def from_text(self, text: str) -> object:
        """The value that TOML would give, from the text of an environment variable."""

    def read(self, value: object) -> object:
        """The value as the program uses it. Raises ValueError, with a hint or without."""

    def shown(self, value: object) -> str:
        """The value as an error message may show it, without secrets."""


class _Text:
    """What all kinds share that are written as one string."""

    def from_text(self, text: str) -> object:
        return text

    def shown(self, value: object) -> str:
        return f'"{value}"' if isinstance(value, str) else str(value)


@dataclass(frozen=True)
class Whole(_Text):
    """A whole number from `low` to `high`, both included, in `unit`."""

    low: int
    high: int
    unit: str = ""

    @property
    def allowed(self) -> str:
        return f"a whole number from {self.low} to {self.high} {self.unit}".rstrip()

    def from_text(self, text: str) -> object:
        return int(text) if re.fullmatch(r"[+-]?[0-9]{1,20}", text.strip()) else text

    def read(self, value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not self.low <= value <= self.high:
            raise ValueError
        return value


@dataclass(frozen=True)
class Real(_Text):
    """A number from `low` to `high`, both included, in `unit`."""

    low: float
    high: float
    unit: str = ""

    @property
    def allowed(self) -> str:
        return f"a number from {self.low:g} to {self.high:g} {self.unit}".rstrip()

    def from_text(self, text: str) -> object:
        return float(text) if re.fullmatch(r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?", text.strip()) else text

    def read(self, value: object) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool) or not self.low <= value <= self.high:
            raise ValueError
        return float(value)


@dataclass(frozen=True)
class Choice(_Text):
    """One word of a few."""

    words: tuple[str, ...]

    @property
    def allowed(self) -> str:
        return "one of " + ", ".join(f'"{word}"' for word in self.words)

    def read(self, value: object) -> str:
        if value not in self.words:
            raise ValueError
        return str(value)


@dataclass(frozen=True)
class Domain(_Text):
    """A host name or an IP address; names are compared without case, so they are kept in lower case."""

    allowed: str = 'a host name like "pbx.example.com" or an IP address'

    def read(self, value: object) -> str:
        if not isinstance(value, str):
            raise ValueError
        name = value.lower().rstrip(".")
        if HOST_NAME.fullmatch(name) and len(name) <= 253:
            return name
        try:
            return str(ipaddress.ip_address(value))
        except ValueError:
            raise ValueError from None  # what is allowed says it better


@dataclass(frozen=True)
class TimeZone(_Text):
    """A time zone of the tz database; None is the machine's own, as empty text says."""

    allowed: str = 'a time zone like "Europe/Moscow", or "" for the one of this machine'

    def read(self, value: object) -> ZoneInfo | None:
        if not isinstance(value, str):
            raise ValueError
        try:
            return ZoneInfo(value) if value else None
        except (ZoneInfoNotFoundError, OSError) as error:
            raise ValueError("this machine knows no such zone") from error


@dataclass(frozen=True)
class FilePath(_Text):
    """The path of a file; a relative one counts from where the setting is written."""

    allowed: str = "the path of a file"

    def read(self, value: object) -> Path:
        if not isinstance(value, str) or not value or "\0" in value:
            raise ValueError
        return Path(value).expanduser()


@dataclass(frozen=True)
class Addresses:
    """`host:port`, a list of them, or empty for off."""

    allowed: str = '"ADDRESS:PORT" like "0.0.0.0:5060" or "[::]:5060", a list of them, or "" to switch it off'

    def from_text(self, text: str) -> object:
        try:
            value = tomllib.loads(f"list = {text}")["list"]
        except tomllib.TOMLDecodeError:
            value = None
        if isinstance(value, list | str):
            return value
        # No list in brackets, so one address or several with commas between them: "[::1]:5060" opens
        # with a bracket too.
        return [part.strip() for part in text.split(",")] if text.strip() else []

    def read(self, value: object) -> tuple[Address, ...]:
        written = ([value] if value else []) if isinstance(value, str) else value
        if not isinstance(written, list):
            raise ValueError
        found = [address for one in written for address in self._addresses(one)]
        if len(set(found)) != len(found):
            raise ValueError("an address stands in it twice")
        return tuple(found)

    def shown(self, value: object) -> str:
        if isinstance(value, list):
            return "[" + ", ".join(f'"{one}"' if isinstance(one, str) else str(one) for one in value) + "]"
        return f'"{value}"' if isinstance(value, str) else str(value)

    @staticmethod
    def _addresses(written: object) -> list[Address]:
        """The addresses that one `host:port` stands for: a name may stand for several."""
        match = isinstance(written, str) and re.fullmatch(
            r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<host>[^\[\]:/\s]+)):(?P<port>[0-9]{1,5})", written
        )
        if not match or int(match["port"]) > 65535:
            raise ValueError(f"{written!r} is no address with a port")
        port = int(match["port"])
        if match["v6"]:
            return [Address(str(ipaddress.IPv6Address(match["v6"])), port)]
        try:
            return [Address(str(ipaddress.IPv4Address(match["host"])), port)]
        except ValueError:
            return _resolve(match["host"], port)


def _resolve(name: str, port: int) -> list[Address]:
    """All addresses of a host name, each once, in the resolver's order."""
    try:
        answers = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ValueError(f"{name} is not known as a host name") from error
    return list(dict.fromkeys(Address(str(answer[4][0]), port) for answer in answers))


@dataclass(frozen=True)
class IpAddresses(_Text):
    """IP addresses by which something is reached; none means that the program finds them."""

    allowed: str = 'an IP address, a list of them, or "" for those of this machine'

    def from_text(self, text: str) -> object:
        return [part.strip() for part in text.split(",")] if text.strip() else []

    def read(self, value: object) -> tuple[str, ...]:
        written = ([value] if value else []) if isinstance(value, str) else value
        if not isinstance(written, list) or not all(isinstance(one, str) for one in written):
            raise ValueError
        found = [str(ipaddress.ip_address(one.strip("[]"))) for one in written]
        if any(ipaddress.ip_address(one).is_unspecified for one in found):
            raise ValueError("nobody can send anything to that address")
        return tuple(dict.fromkeys(found))


Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class Networks(_Text):
    """IP addresses and networks whose machines are trusted; none trusts nobody."""

    allowed: str = 'an IP address or a network like "10.0.0.7" or "10.0.0.0/24", a list of them, or "" for none'

    def from_text(self, text: str) -> object:
        return [part.strip() for part in text.split(",")] if text.strip() else []

    def read(self, value: object) -> tuple[Network, ...]:
        written = ([value] if value else []) if isinstance(value, str) else value
        if not isinstance(written, list) or not all(isinstance(one, str) for one in written):
            raise ValueError
        found = [ipaddress.ip_network(one) for one in written]
        if any(network.prefixlen == 0 for network in found):
            raise ValueError("that is everybody")
        return tuple(dict.fromkeys(found))


class Ports(NamedTuple):
    """A range of UDP ports, both ends included."""

    first: int
    last: int


@dataclass(frozen=True)
class PortRange(_Text):
    """Ports from one to another; `least` is how many there have to be."""

    least: int = 2

    @property
    def allowed(self) -> str:
        return f'"FIRST-LAST" between 1024 and 65535, at least {self.least} ports'

    def read(self, value: object) -> Ports:
        match = isinstance(value, str) and re.fullmatch(r"([0-9]{4,5})-([0-9]{4,5})", value)
        if not match:
            raise ValueError
        ports = Ports(int(match[1]), int(match[2]))
        if not (1024 <= ports.first <= ports.last <= 65_535 and ports.last - ports.first + 1 >= self.least):
            raise ValueError
        return ports


@dataclass(frozen=True)
class OneAddress(_Text):
    """The `host:port` of one server that is called."""

    allowed: str = '"ADDRESS:PORT" like "127.0.0.1:2223"'

    def read(self, value: object) -> Address:
        if not isinstance(value, str) or not value:
            raise ValueError
        return Addresses().read(value)[0]


@dataclass(frozen=True)
class DatabaseUrl(_Text):
    """Where the database is; a password in it is never shown."""

    allowed: str = '"sqlite:////ABSOLUTE/PATH.db" or "postgresql://USER:PASSWORD@HOST:PORT/NAME"'

    def read(self, value: object) -> str:
        if not isinstance(value, str):
            raise ValueError
        if value.startswith("sqlite:"):
            if not re.fullmatch(r"sqlite:////[^?]*[^/?]", value):
                raise ValueError("SQLite needs an absolute path, which makes four slashes, without a question mark")
            return value
        parts = urlsplit(value)
        if parts.scheme not in ("postgresql", "postgresql+psycopg") or len(parts.path) < 2:
            raise ValueError
        return value

    def shown(self, value: object) -> str:
        text = super().shown(value)
        # Everything between the first ":" of the user part and the last "@" may be a password.
        return re.sub(r"(?<=//)([^/:@]*):.*@", r"\1:***@", text)


@dataclass(frozen=True)
class SocketUrl(_Text):
    """A Unix socket that the processes of one machine meet at."""

    allowed: str = f'"unix:/ABSOLUTE/PATH" of at most {MAX_SOCKET_PATH} octets'

    def read(self, value: object) -> str:
        if not isinstance(value, str) or not re.fullmatch(r"unix:/[^\0]+", value):
            raise ValueError
        length = len(value.removeprefix("unix:").encode())
        if length > MAX_SOCKET_PATH:
            raise ValueError(f"the path has {length} octets")
        return value
