"""Counters for Prometheus: those of this process, and those that the engine tells of itself."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from pbx.bus.errors import BusError

if TYPE_CHECKING:
    from web.services import Services

METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))

KEPT = timedelta(seconds=2)  # for which an answer of the engine is given again

requests: dict[tuple[str, str], int] = {}
"""Answers so far, by method and class of status."""


def count_request(method: str, status: int) -> None:
    """Counts an answer. Clients make up what methods they like, and each would be kept for good."""
    key = method if method in METHODS else "other", f"{status // 100}xx"
    requests[key] = requests.get(key, 0) + 1


def text(given: "Services") -> str:
    """All of them, in the text format."""
    return "\n".join([*_own(given), *_of_engine(given)]) + "\n"


def _own(given: "Services") -> Iterator[str]:
    answers: dict[str, float] = {
        f'method="{method}",status="{status}"': count for (method, status), count in sorted(requests.items())
    }
    yield from _metric("gorizont_http_answers_total", "counter", "HTTP answers of the web process.", answers)
    yield from _metric(
        "gorizont_browsers", "gauge", "Browsers that are connected.", {"": float(len(given.browsers.connected))}
    )
    yield from _metric("gorizont_users", "gauge", "Users of the directory.", {"": float(len(given.directory.users))})


def _of_engine(given: "Services") -> list[str]:
    """What the engine tells. It lists all phones and calls for that, so it is asked now and then, whoever asks us."""
    now, kept = given.now(), given.engine_metrics
    if kept is None or not timedelta() <= now - kept[0] < KEPT:
        up, lines = 1, []
        try:
            lines = list(_engine(given.ask_engine("ready", {}), given))
        except BusError:
            up = 0
        lines += _metric("gorizont_engine_up", "gauge", "Whether the engine answers.", {"": up})
        kept = given.engine_metrics = now, lines
    return kept[1]


def _engine(state: Mapping[str, Any], given: "Services") -> Iterator[str]:
    registrations = given.ask_engine("registrations", {})["registrations"]
    calls = given.ask_engine("calls.live", {})["calls"]
    yield from _metric("gorizont_registrations", "gauge", "Phones that are registered.", {"": len(registrations)})
    yield from _metric("gorizont_calls", "gauge", "Calls in progress.", {"": len(calls)})
    yield from _metric(
        "gorizont_calls_refused_total", "counter", "Calls that the engine refused.", {"": float(state["refused"])}
    )
    for part in ("endpoint", "transport"):
        counters = {
            f'name="{name}"': float(value)
            for name, value in sorted(state.get(part, {}).items())
            if isinstance(value, int | float) and name.replace("_", "").replace("-", "").replace(" ", "").isalnum()
        }
        yield from _metric(f"gorizont_sip_{part}_total", "counter", f"Counters of the SIP {part}.", counters)


def _metric(name: str, kind: str, help_text: str, values: Mapping[str, float]) -> Iterator[str]:
    if not values:
        return
    yield f"# HELP {name} {help_text}"
    yield f"# TYPE {name} {kind}"
    for labels, value in values.items():
        yield f"{name}{{{labels}}} {value:g}" if labels else f"{name} {value:g}"
