"""The rows of the directory. `pbx.directory.snapshot` has what the call engine makes of them.

Everything that belongs to a user goes with the user: the database removes devices, rules and the
bindings of the registrar by its foreign keys, so no action can forget one of them.
"""

from datetime import datetime, time

from sqlalchemy import Dialect, ForeignKey, Integer, LargeBinary, String, Text, Time, TypeDecorator, false
from sqlalchemy.orm import Mapped, mapped_column

from pbx.directory.snapshot import RuleKind, Strategy
from pbx.routing.schedule import format_days, parse_days
from pbx.storage.base import Base

NAME_LENGTH = 100
NUMBER_LENGTH = 32  # E.164 has 15 digits; a service number has a * before them
SIP_NAME_LENGTH = NUMBER_LENGTH + 8
USER_AGENT_LENGTH = 200
ADDRESS_LENGTH = 64
TRANSPORT_LENGTH = 10


class Numbers(TypeDecorator[tuple[str, ...]]):
    """Several numbers in one column, "102,103": a list that is always read and written whole."""

    impl = Text
    cache_ok = True

    def process_bind_param(
        self,
        value: tuple[str, ...] | None,
        dialect: Dialect,  # noqa: ARG002  the signature is SQLAlchemy's
    ) -> str | None:
        return None if value is None else ",".join(value)

    def process_result_value(
        self,
        value: str | None,
        dialect: Dialect,  # noqa: ARG002  the signature is SQLAlchemy's
    ) -> tuple[str, ...]:
        return tuple(value.split(",")) if value else ()


class Days(TypeDecorator[frozenset[int]]):
    """Weekdays as people write them, "mon-fri"."""

    impl = String(40)
    cache_ok = True

    def process_bind_param(
        self,
        value: frozenset[int] | None,
        dialect: Dialect,  # noqa: ARG002  the signature is SQLAlchemy's
    ) -> str | None:
        return None if value is None else format_days(value)

    def process_result_value(
        self,
        value: str | None,
        dialect: Dialect,  # noqa: ARG002  the signature is SQLAlchemy's
    ) -> frozenset[int]:
        return parse_days(value) if value else frozenset()


class UserRow(Base):
    """A person with a number, or the account without one that an installation begins with (`checks.ADMIN`)."""

    __tablename__ = "users"

    number: Mapped[str] = mapped_column(String(NUMBER_LENGTH), primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    role: Mapped[str] = mapped_column(String(20))
    employee_id: Mapped[str | None] = mapped_column(String(NAME_LENGTH), unique=True)
    password_hash: Mapped[str | None] = mapped_column(String(200))  # argon2; None: cannot sign in
    # Made by somebody else, so that the first sign-in with it demands a new one.
    password_temporary: Mapped[bool] = mapped_column(default=False, server_default=false())
    version: Mapped[int]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class DeviceRow(Base):
    """An account that a phone signs in by. The first of a user is called like the number."""

    __tablename__ = "devices"

    sip_name: Mapped[str] = mapped_column(String(SIP_NAME_LENGTH), primary_key=True)
    number: Mapped[str] = mapped_column(ForeignKey("users.number", ondelete="CASCADE"), index=True)
    label: Mapped[str] = mapped_column(String(NAME_LENGTH))
    sealed_password: Mapped[bytes] = mapped_column(LargeBinary)  # see pbx.directory.secrets
    created_at: Mapped[datetime]


class DeviceUseRow(Base):
    """The phone that last signed in by a device's account. No row: none ever did."""

    __tablename__ = "device_uses"

    sip_name: Mapped[str] = mapped_column(ForeignKey("devices.sip_name", ondelete="CASCADE"), primary_key=True)
    user_agent: Mapped[str] = mapped_column(String(USER_AGENT_LENGTH))
    address: Mapped[str] = mapped_column(String(ADDRESS_LENGTH))
    transport: Mapped[str] = mapped_column(String(TRANSPORT_LENGTH))
    registered_at: Mapped[datetime]  # since when it could be reached, the last time
    seen_at: Mapped[datetime]  # when it was last heard of


class RuleRow(Base):
    """A forwarding rule. Its id and version stand in the plan of every call that it decided."""

    __tablename__ = "forwarding_rules"
    # Without AUTOINCREMENT, SQLite would give the id of a removed rule to another one.
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    number: Mapped[str] = mapped_column(ForeignKey("users.number", ondelete="CASCADE"), index=True)
    kind: Mapped[RuleKind]
    targets: Mapped[tuple[str, ...]] = mapped_column(Numbers)
    after: Mapped[int | None]  # seconds
    caller: Mapped[str | None] = mapped_column(String(NUMBER_LENGTH))
    starts: Mapped[time | None] = mapped_column(Time)
    ends: Mapped[time | None] = mapped_column(Time)
    days: Mapped[frozenset[int]] = mapped_column(Days)
    version: Mapped[int]
    updated_at: Mapped[datetime]


class GroupRow(Base):
    """A number that stands for several others."""

    __tablename__ = "groups"

    number: Mapped[str] = mapped_column(String(NUMBER_LENGTH), primary_key=True)
    strategy: Mapped[Strategy]
    version: Mapped[int]
    updated_at: Mapped[datetime]


class MemberRow(Base):
    """A number in a group, in the place in which it rings."""

    __tablename__ = "group_members"

    group_number: Mapped[str] = mapped_column(ForeignKey("groups.number", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    number: Mapped[str] = mapped_column(String(NUMBER_LENGTH), index=True)


class VersionRow(Base):
    """The version of the whole directory: one row, which every action increments first.

    That makes it the lock of the directory too. On PostgreSQL two actions would otherwise both find a
    number free, one for a user and one for a group.
    """

    __tablename__ = "directory_version"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)  # always 1
    version: Mapped[int]
