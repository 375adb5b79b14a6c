"""The order of numbers is the order in which changes become visible, whoever writes at the same time."""

import threading
from functools import partial

from messaging.messages import send
from messaging.sequence import advance, current
from messaging.sync import changes
from pbx.storage.unit import Store
from tests.unit.messaging.conftest import Chat

WRITERS, EACH = 3, 15


def test_numbers_go_up_by_what_was_taken(chat: Chat) -> None:
    first = chat.do(lambda tx: advance(tx.session))
    assert chat.do(lambda tx: advance(tx.session, 5)) == first + 1
    assert chat.do(lambda tx: advance(tx.session)) == first + 6
    assert chat.read(current) == first + 6


def test_undone_action_gives_its_number_back(chat: Chat) -> None:
    before = chat.read(current)
    try:
        with chat.store.transaction() as tx:
            advance(tx.session)
            raise LookupError
    except LookupError:
        pass
    assert chat.read(current) == before


def test_reader_who_goes_on_from_the_last_number_misses_nothing(chat: Chat) -> None:
    direct = chat.direct("101", "102")
    failures: list[Exception] = []

    def write(store: Store, writer: int) -> None:
        try:
            for number in range(EACH):
                with store.transaction() as tx:
                    send(tx, direct, actor="101", client_id=f"writer-{writer}-{number}", text="x")
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=partial(write, chat.store, writer)) for writer in range(WRITERS)]
    for thread in threads:
        thread.start()
    seen: list[int] = []
    since = 0
    while True:
        running = any(thread.is_alive() for thread in threads)
        found = chat.read(changes, since, actor="102")
        seen += [message.id for message in found.messages]
        since = found.seq
        if not running:
            break
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(seen) == WRITERS * EACH
    assert seen == sorted(seen)
