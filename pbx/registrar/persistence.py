"""Bindings in storage: written behind the phone's back, read once at the start."""

import json
import logging
from collections.abc import Callable
from typing import Protocol

from sqlalchemy import select

from pbx.registrar.bindings import Binding
from pbx.registrar.models import DELETE_BINDING, UPSERT_BINDING, BindingRow
from pbx.storage.statements import Statement
from pbx.storage.unit import Store
from sip.errors import ParseError
from sip.grammar import hostport, parse_hostport
from sip.transport.base import Address, Flow
from sip.uri import check_uri

logger = logging.getLogger(__name__)

# Makes the flow of a transport between a local and a remote address anew; None where only the peer can.
FlowMaker = Callable[[str, Address, Address], Flow | None]


class Writer(Protocol):
    """`pbx.storage.writer.WriteBehind`, as far as it is needed here."""

    def put(self, statement: Statement, parameters: tuple[object, ...]) -> None:
        """Has a row written soon; the last one put for a primary key wins."""

    @property
    def healthy(self) -> bool:
        """Whether what is put now will be written soon."""


class Persistence:
    """Keeps the bindings over a restart."""

    def __init__(self, writer: Writer, store: Store) -> None:
        self._writer = writer
        self._store = store

    @property
    def healthy(self) -> bool:
        """Whether a registration may be acknowledged."""
        return self._writer.healthy

    def save(self, binding: Binding, flow: Flow) -> None:
        """Has a binding written, reachable by `flow`."""
        path = binding.path
        self._writer.put(
            UPSERT_BINDING,
            (
                binding.row_id,
                binding.number,
                binding.sip_name,
                binding.contact,
                binding.instance,
                binding.reg_id,
                binding.q,
                json.dumps(path) if path else "[]",
                binding.call_id,
                binding.cseq,
                binding.expires_at,
                f"{flow.transport} {hostport(*flow.local)} {hostport(*flow.remote)}",
                binding.user_agent or None,
                binding.gruu or None,
                binding.updated_at,
            ),
        )

    def remove(self, binding: Binding) -> None:
        """Has a binding taken out of storage."""
        self._writer.put(DELETE_BINDING, (binding.row_id,))

    def load(self, now: float, flow_for: FlowMaker) -> list[Binding]:
        """What was registered and has not ended. Reads the database, so for the start only.

        Raises DatabaseRefused.
        """
        with self._store.reading() as session:
            rows = session.scalars(select(BindingRow)).all()
        loaded: list[Binding] = []
        for row in rows:
            if row.expires_at <= now:
                self._writer.put(DELETE_BINDING, (row.id,))
                continue
            try:
                loaded.append(_binding(row, flow_for))
            except (ParseError, TypeError, ValueError) as error:
                logger.error("! binding %r is left out: %s", row.id, error)
        return loaded


def _binding(row: BindingRow, flow_for: FlowMaker) -> Binding:
    """Raises ParseError, TypeError or ValueError where the row is damaged."""
    check_uri(row.contact)
    transport, local, remote = _flow_addresses(row.flow)
    return Binding(
        number=row.number,
        sip_name=row.sip_name,
        contact=row.contact,
        instance=row.instance,
        reg_id=row.reg_id,
        q=row.q,
        path=tuple(json.loads(row.path)),
        call_id=row.call_id,
        cseq=row.cseq,
        expires_at=row.expires_at,
        updated_at=row.updated_at,
        transport=transport,
        source=remote,
        flow=flow_for(transport, local, remote),
        user_agent=row.user_agent or "",
        gruu=row.gruu or "",
    )


def _flow_addresses(text: str) -> tuple[str, Address, Address]:
    """Transport, local and remote address of a stored flow. Raises ParseError."""
    transport, _, addresses = text.partition(" ")
    local, _, remote = addresses.partition(" ")
    return transport, _address(local), _address(remote)


def _address(text: str) -> Address:
    host, port = parse_hostport(text)
    if port is None:
        raise ParseError("stored flow without port")
    return host, port
