"""Small parts: dispatcher, location of HTTPS, heads of the tunnel, origin, allowance of a browser, late sign-ins."""

from typing import Any

import gevent
import pytest

from pbx.bus.errors import CommandError, NotRunning
from pbx.directory.errors import DirectoryError, NotFound
from pbx.storage.errors import DatabaseRefused
from tests.unit.web.office import WebOffice, password_of
from web.auth.access import is_own_origin, token_in
from web.auth.sessions import SignedIn
from web.errors import NotSignedIn, TooMany, Unavailable, as_api_error
from web.listening import https_location
from web.live.browsers import BURST, Browser
from web.live.dispatch import Dispatcher
from web.sip_tunnel import head
from web.threads import GeventThreads


def test_events_reach_handlers_of_their_class_and_of_those_above_in_order() -> None:
    events, heard = Dispatcher(), []
    events.on(NotFound, lambda _: heard.append("NotFound"))
    events.on(DirectoryError, lambda _: heard.append("DirectoryError"))
    events.put(NotFound())
    events.put("something else")
    assert heard == ["NotFound", "DirectoryError"]


def test_handler_that_fails_leaves_the_others_alone(caplog: pytest.LogCaptureFixture) -> None:
    events, heard = Dispatcher(), []

    def broken(_: str) -> None:
        raise RuntimeError

    events.on(str, broken)
    events.on(str, heard.append)
    events.put("a")
    assert heard == ["a"]
    assert "telling of str failed" in caplog.text


def test_events_of_database_threads_are_handled_in_the_loop_and_in_order() -> None:
    events, threads, heard = Dispatcher(), GeventThreads(), []
    done = gevent.event.Event()
    loop = gevent.get_hub().loop

    def handle(number: int) -> None:
        heard.append((number, gevent.get_hub().loop is loop))
        gevent.sleep(0)  # a handler may wait, and those after it wait for it
        if number == 99:
            done.set()

    events.on(int, handle)
    events.start()
    threads.run(lambda: [events.put(number) for number in range(100)])
    assert done.wait(5)
    assert heard == [(number, True) for number in range(100)]
    threads.close()


def test_threads_hand_results_and_errors_over() -> None:
    threads = GeventThreads()
    assert threads.run(lambda: 7) == 7
    with pytest.raises(NotFound):
        threads.run_slow(lambda: (_ for _ in ()).throw(NotFound("x")))
    threads.close()


@pytest.mark.parametrize(
    ("environ", "port", "location"),
    [
        ({"HTTP_HOST": "pbx:8080", "PATH_INFO": "/a b"}, 8443, "https://pbx:8443/a%20b"),
        ({"HTTP_HOST": "pbx", "QUERY_STRING": "q=1"}, 443, "https://pbx/?q=1"),
        ({"HTTP_HOST": "[::1]:8080", "PATH_INFO": "/"}, 8443, "https://[::1]:8443/"),
        ({"HTTP_HOST": "evil.test/@pbx"}, 8443, None),
        ({}, 8443, None),
    ],
)
def test_http_leads_to_https_on_the_same_host(environ: dict[str, Any], port: int, location: str | None) -> None:
    assert https_location(environ, port) == location


def test_engine_gets_the_request_without_cookies_and_with_the_true_address() -> None:
    headers = [("Host", "pbx"), ("Cookie", "a=b"), ("x-forwarded-for", "1.2.3.4"), ("Sec-WebSocket-Key", "k")]
    assert head("GET /sip HTTP/1.1", headers, "10.0.0.7") == (
        b"GET /sip HTTP/1.1\r\nHost: pbx\r\nSec-WebSocket-Key: k\r\nX-Forwarded-For: 10.0.0.7\r\n\r\n"
    )


def test_origin_is_ours_only_with_the_same_scheme_host_and_port() -> None:
    assert is_own_origin("https://PBX:8443", "pbx:8443")
    for other in ("http://pbx:8443", "https://pbx", "https://pbx.evil.test:8443", "null", ""):
        assert not is_own_origin(other, "pbx:8443")


def test_token_is_found_among_other_cookies() -> None:
    assert token_in("a=b; __Host-gorizont=x-y_z; c=d") == "x-y_z"
    assert token_in("gorizont=x") is None
    assert token_in("\x00=;;;") is None


def test_allowance_of_a_browser_grows_again(office: WebOffice) -> None:
    browser = Browser("sid", SignedIn("101", "", "user", "", b"", office.clock()))
    taken = 0
    while browser.may_ask(1000.0):
        taken += 1
    assert taken == int(BURST)
    assert browser.may_ask(1001.0)


def test_guesses_that_come_all_at_once_are_not_counted_too_late(office: WebOffice) -> None:
    """Each takes a tenth of a second, in which the next ones must not slip through."""
    sign_in = office.web.services.sign_in
    refused: list[type[Exception]] = []

    class Slow:
        """While one password is checked, others come."""

        depth = 0

        def run(self, work: Any) -> Any:
            return work()

        def run_slow(self, work: Any) -> Any:
            self.depth += 1
            if self.depth < 20:
                try:
                    sign_in.check("102", "wrong", "10.0.0.66")
                except (NotSignedIn, TooMany) as error:
                    refused.append(type(error))
            return work()

    sign_in._threads = Slow()
    with pytest.raises(NotSignedIn):
        sign_in.check("102", "wrong", "10.0.0.66")
    assert refused.count(TooMany) == 1
    assert refused.count(NotSignedIn) == 4
    assert sign_in.check("102", password_of("102"), "10.0.0.67").number == "102"


def test_refusal_of_the_database_and_of_the_engine_have_their_codes() -> None:
    assert as_api_error(DatabaseRefused("full")).status == 503
    assert as_api_error(NotRunning("away")).code == "engine-unavailable"
    assert (as_api_error(CommandError("not-found", "x")).status, as_api_error(CommandError("odd", "x")).status) == (
        404,
        409,
    )
    assert isinstance(as_api_error(Unavailable("x")), Unavailable)
