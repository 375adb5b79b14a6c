"""Everything that an installation can set, as frozen values.

One class per section of the TOML file and one field per key. The annotation carries the kind of the
key (`config.kinds`); defaults and documentation stand in `defaults.toml`, which a test keeps equal
to this file. `config.loader` builds a `Settings`; it fills in what is empty there by design (the
domain, the certificate, the places in the data folder), so nobody else needs to know about that.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from config.kinds import (
    Address,
    Addresses,
    Choice,
    DatabaseUrl,
    Domain,
    FilePath,
    IpAddresses,
    Network,
    Networks,
    OneAddress,
    PortRange,
    Ports,
    Real,
    SocketUrl,
    TimeZone,
    Whole,
)
from config.sounds import SoundFolder

DAY = 86_400  # seconds


@dataclass(frozen=True, slots=True)
class Sip:
    """[sip]: where the server speaks SIP, by which name, and how long phones may promise to stay."""

    domain: Annotated[str, Domain()]
    udp: Annotated[tuple[Address, ...], Addresses()]
    tcp: Annotated[tuple[Address, ...], Addresses()]
    tls: Annotated[tuple[Address, ...], Addresses()]
    ws: Annotated[tuple[Address, ...], Addresses()]
    wss: Annotated[tuple[Address, ...], Addresses()]
    certificate: Annotated[Path, FilePath()]
    private_key: Annotated[Path, FilePath()]
    expires_min: Annotated[int, Whole(1, DAY, "seconds")]
    expires_max: Annotated[int, Whole(1, 7 * DAY, "seconds")]
    expires_default: Annotated[int, Whole(1, 7 * DAY, "seconds")]
    session_expires: Annotated[int, Whole(90, DAY, "seconds")]
    session_min_se: Annotated[int, Whole(90, DAY, "seconds")]  # RFC 4028 §4: never below 90
    t1: Annotated[float, Real(0.01, 10, "seconds")]
    stranger_rate: Annotated[int, Whole(10, 100_000, "messages a second")]


@dataclass(frozen=True, slots=True)
class Calls:
    """[calls]: how long calls ring, how many there may be, and how a stop treats them."""

    ring_seconds: Annotated[int, Whole(1, 600, "seconds")]
    max_calls: Annotated[int, Whole(1, 100_000)]
    drain_seconds: Annotated[int, Whole(0, DAY, "seconds")]
    time_zone: Annotated[ZoneInfo | None, TimeZone()]


@dataclass(frozen=True, slots=True)
class Messages:
    """[messages]: what is kept for a user who is offline."""

    keep_days: Annotated[int, Whole(1, 365, "days")]
    max_waiting: Annotated[int, Whole(1, 10_000)]


@dataclass(frozen=True, slots=True)
class Web:
    """[web]: where browsers reach the server, and how long they stay signed in, how much they may ask for."""

    https: Annotated[tuple[Address, ...], Addresses()]
    http: Annotated[tuple[Address, ...], Addresses()]
    session_idle_hours: Annotated[int, Whole(1, 24 * 365, "hours")]
    session_days: Annotated[int, Whole(1, 3650, "days")]
    trusted_proxies: Annotated[tuple[Network, ...], Networks()]
    changes_per_second: Annotated[int, Whole(1, 100_000, "changes a second")]


@dataclass(frozen=True, slots=True)
class Media:
    """[media]: who carries what people say, and where it comes in."""

    anchor: Annotated[str, Choice(("auto", "always"))]
    carrier: Annotated[str, Choice(("embedded", "rtpengine"))]
    address: Annotated[tuple[str, ...], IpAddresses()]
    ports: Annotated[Ports, PortRange(64)]
    workers: Annotated[int, Whole(1, 64)]
    rtpengine: Annotated[Address, OneAddress()]
    sounds: Annotated[Path | None, SoundFolder()]


@dataclass(frozen=True, slots=True)
class Files:
    """[files]: what people may send each other."""

    folder: Annotated[Path, FilePath()]
    largest_megabytes: Annotated[int, Whole(1, 1_000_000, "megabytes")]
    quota_megabytes: Annotated[int, Whole(1, 100_000_000, "megabytes")]
    unfinished_hours: Annotated[int, Whole(1, 24 * 30, "hours")]


@dataclass(frozen=True, slots=True)
class Retention:
    """[retention]: when what is too old is removed."""

    sweep_hour: Annotated[int, Whole(0, 23)]


@dataclass(frozen=True, slots=True)
class Database:
    """[database]: where everything is stored."""

    url: Annotated[str, DatabaseUrl()] = field(repr=False)  # may hold a password


@dataclass(frozen=True, slots=True)
class Bus:
    """[bus]: where the processes meet."""

    url: Annotated[str, SocketUrl()]

    @property
    def socket(self) -> Path:
        """The path of the Unix socket."""
        return Path(self.url.removeprefix("unix:"))


@dataclass(frozen=True, slots=True)
class Log:
    """[log]: how much is said on standard error."""

    level: Annotated[str, Choice(("debug", "info", "warning", "error"))]


@dataclass(frozen=True, slots=True)
class Settings:
    """All sections."""

    sip: Sip
    calls: Calls
    messages: Messages
    media: Media
    web: Web
    files: Files
    retention: Retention
    database: Database
    bus: Bus
    log: Log
