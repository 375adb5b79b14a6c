"""The bindings, as they are stored between two starts of the engine.

The engine writes them by `UPSERT_BINDING` and `DELETE_BINDING` through the write-behind; the values of
a row stand in the order of the columns here.
"""

from sqlalchemy import BigInteger, Double, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from pbx.storage.base import Base
from pbx.storage.statements import delete, upsert


class BindingRow(Base):
    """A registered contact of a number, and the flow that reaches it.

    The texts come from phones, so they have no length but the one that the registrar allows. Times are
    seconds of the Unix epoch, as the registrar counts them.
    """

    __tablename__ = "bindings"

    id: Mapped[str] = mapped_column(Text, primary_key=True)  # number|key of the contact
    number: Mapped[str] = mapped_column(ForeignKey("users.number", ondelete="CASCADE"))
    sip_name: Mapped[str] = mapped_column(Text)
    contact: Mapped[str] = mapped_column(Text)  # the URI
    instance: Mapped[str | None] = mapped_column(Text)  # +sip.instance, RFC 5626 §4.1
    reg_id: Mapped[int | None] = mapped_column(BigInteger)  # RFC 5626 §4.2
    q: Mapped[float] = mapped_column(Double)
    path: Mapped[str] = mapped_column(Text)  # JSON list of URIs, RFC 3327
    call_id: Mapped[str] = mapped_column(Text)
    cseq: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[float] = mapped_column(Double)
    flow: Mapped[str] = mapped_column(Text)  # "UDP 10.0.0.1:5060 10.0.0.7:5060": transport, local, remote
    user_agent: Mapped[str | None] = mapped_column(Text)
    gruu: Mapped[str | None] = mapped_column(Text)  # RFC 5627
    updated_at: Mapped[float] = mapped_column(Double)


UPSERT_BINDING = upsert(BindingRow)
DELETE_BINDING = delete(BindingRow)
