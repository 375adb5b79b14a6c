"""The web client's event types are those of the server."""

from pathlib import Path

import web
from web.live.events import EVENTS
from web.live.requests import REQUESTS
from web.live.typescript import typescript

WRITTEN = Path(web.__path__[0]) / "client" / "src" / "api" / "events.ts"


def test_file_of_the_client_is_the_one_that_the_models_give() -> None:
    hint = "run: python -m web.live.typescript > web/client/src/api/events.ts"
    assert WRITTEN.read_text(encoding="utf-8") == typescript(), hint


def test_every_event_and_request_is_in_it() -> None:
    text = typescript()
    for kind in EVENTS:
        assert f'event("{kind}",' in text
    for name in REQUESTS:
        assert f"  {name}: " in text
