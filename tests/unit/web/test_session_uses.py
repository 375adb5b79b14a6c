"""Uses of sessions are noted for many at once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import event, select

from tests.unit.web.office import BEGIN, Person, WebOffice
from web.auth.uses import SessionUses
from web.models import SessionRow


def test_many_uses_are_one_transaction(office: WebOffice, anna: Person, boris: Person) -> None:
    given = office.web.services
    due: list[Callable[[], object]] = []
    uses = SessionUses(given.act, lambda seconds, work: due.append(work))
    office.clock.wait(hours=1)
    commits: list[Any] = []
    event.listen(office.store.engine, "commit", commits.append)
    with office.store.reading() as session:
        hashes = session.scalars(select(SessionRow.token_hash)).all()
    for token_hash in [*hashes, *hashes]:
        uses.note(token_hash)
    (write,) = due
    assert commits == []
    write()
    assert len(commits) == 1
    with office.store.reading() as session:
        assert set(session.scalars(select(SessionRow.seen_at))) == {BEGIN + timedelta(hours=1)}
    uses.note(hashes[0])
    assert len(due) == 2


def test_session_that_is_used_now_and_then_does_not_end(office: WebOffice, boris: Person) -> None:
    idle = office.web.services.limits.idle
    for _ in range(3):
        office.clock.at += idle - timedelta(minutes=1)
        assert boris.get("/me").status_code == 200
    office.clock.at += idle
    assert boris.get("/me").status_code == 401
