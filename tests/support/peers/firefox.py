"""Firefox of Debian, driven by WebDriver BiDi (W3C), which it speaks itself. Playwright drives builds of its own.

Its microphone says 1000 Hz, and its camera shows colours that change. What a page plays is recorded in the page. There
need be no sound card: Firefox then plays by a clock (and keeps Web Audio waiting, which is why that isn't used here).
"""

import itertools
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import websocket

from tests.support.peers.peer import DEADLINE
from tests.support.processes import PeerError, Process
from tests.support.tones import Recording, Tone, dominant_tone

TONE = 1000.0  # Hz, of its false microphone
LOOK_AGAIN = 0.05  # s; a page tells nobody outside what it shows
KEYS = {"Tab": "\ue004", "Enter": "\ue007", "Control": "\ue009", "Escape": "\ue00c"}  # WebDriver §17.4.2

_PREFERENCES = {
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "media.navigator.permission.disabled": True,
    "media.navigator.streams.fake": True,
    "media.volume_scale": "0.0",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "remote.active-protocols": 1,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
    "ui.prefersReducedMotion": 1,
}

_RATE = 8000
# What the audio element of a call plays, as samples; none while it plays nothing.
_LISTEN = """
async (milliseconds) => {
  const audio = document.querySelector('audio[data-call]');
  if (!audio?.srcObject?.getAudioTracks().length || audio.paused || audio.muted) return [];
  const before = audio.currentTime;
  const recorder = new MediaRecorder(new MediaStream(audio.srcObject.getAudioTracks()));
  const recorded = new Promise((resolve) => { recorder.ondataavailable = ({ data }) => resolve(data); });
  recorder.start();
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  recorder.stop();
  if (audio.currentTime === before) return [];
  const decoder = new OfflineAudioContext(1, 1, RATE);
  return [...(await decoder.decodeAudioData(await (await recorded).arrayBuffer())).getChannelData(0)];
}
""".replace("RATE", str(_RATE))
_SPELL = 700  # ms of listening at a time
_TOLERANCE = 20.0  # Hz


class Firefox:
    """One browser with a profile of its own, in a folder of its own."""

    @classmethod
    def program(cls) -> str | None:
        return shutil.which("firefox-esr") or shutil.which("firefox")

    @classmethod
    def installed(cls) -> bool:
        """Whether there is a Firefox."""
        return cls.program() is not None

    def __init__(self, folder: Path) -> None:
        profile = folder / "profile"
        profile.mkdir(parents=True)
        rows = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in _PREFERENCES.items()]
        (profile / "user.js").write_text("\n".join(rows))
        self.complaints: list[str] = []
        """Errors that pages have reported."""
        self._process = Process(
            [
                self.program() or "firefox",
                "--headless",
                "--no-remote",
                "--remote-debugging-port=0",
                "--profile",
                profile,
            ],
            name="firefox",
            folder=folder,
        )
        self._numbers = itertools.count(1)
        self._link: websocket.WebSocket | None = None

    def __enter__(self) -> Self:
        self._process.start()
        try:
            address = self._process.wait_for(r"BiDi listening on (ws://\S+)", timeout=60)[1]
            self._link = websocket.create_connection(f"{address}/session", timeout=60, suppress_origin=True)
            self.do("session.new", capabilities={"alwaysMatch": {"acceptInsecureCerts": True}})
            self.do("session.subscribe", events=["log.entryAdded"])
        except BaseException:
            self._process.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._link is not None:
            self._link.close()
        self._process.stop()

    def page(self, script: str = "") -> "FirefoxPage":
        """A window without cookies; `script` is run before those of every page."""
        user = self.do("browser.createUserContext")["userContext"]
        if script:
            self.do("script.addPreloadScript", functionDeclaration=f"() => {{{script}}}", userContexts=[user])
        context = self.do("browsingContext.create", type="window", userContext=user)["context"]
        self.do("browsingContext.setViewport", context=context, viewport={"width": 1280, "height": 800})
        return FirefoxPage(self, user, context)

    def do(self, method: str, **parameters: Any) -> dict[str, Any]:
        """A command of WebDriver BiDi, and its result. Raises PeerError."""
        assert self._link is not None
        number = next(self._numbers)
        self._link.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._link.recv())
            if message.get("method") == "log.entryAdded" and message["params"]["level"] == "error":
                self.complaints.append(str(message["params"]["text"]))
            if message.get("id") == number:
                break
        if message["type"] == "error":
            raise PeerError(f"{method} {parameters}: {message['error']}: {message['message']}")
        return dict(message["result"])


class FirefoxPage:
    """One window and what a person does in it. Things are found by role and full name, as by a screen reader."""

    def __init__(self, firefox: Firefox, user: str, context: str) -> None:
        self._firefox = firefox
        self._user = user
        self._context = context

    def close(self) -> None:
        """Closes the window and forgets its cookies."""
        self._firefox.do("browser.removeUserContext", userContext=self._user)

    def goto(self, address: str) -> None:
        self._firefox.do("browsingContext.navigate", context=self._context, url=address, wait="complete")

    def evaluate(self, script: str, *arguments: object) -> Any:
        """What a function of JavaScript, or its promise, returns; all values as JSON. Raises PeerError."""
        answer = self._firefox.do(
            "script.callFunction",
            functionDeclaration=f"async (all) => JSON.stringify(await ({script})(...JSON.parse(all)))",
            arguments=[{"type": "string", "value": json.dumps(arguments)}],
            target={"context": self._context},
            awaitPromise=True,
        )
        if answer["type"] == "exception":
            raise PeerError(f"{script}: {answer['exceptionDetails']['text']}")
        return json.loads(answer["result"].get("value", "null"))

    def wait(self, condition: Callable[[], Any], what: str, timeout: float = DEADLINE) -> Any:
        """The first value of `condition` that is true. Raises PeerError."""
        deadline = time.monotonic() + timeout
        while not (value := condition()):
            if time.monotonic() > deadline:
                shown = self.evaluate("() => document.body.innerText")
                raise PeerError(f"Firefox: no {what} in {timeout:g} s, but\n{shown}")
            time.sleep(LOOK_AGAIN)
        return value

    def wait_hears(self, hz: float, timeout: float = DEADLINE) -> None:
        """Waits until the call that the page plays is this tone. Raises PeerError."""
        self._wait_played(lambda tone: tone is not None and abs(tone.hz - hz) < _TOLERANCE, f"{hz:g} Hz", timeout)

    def wait_silent(self, timeout: float = DEADLINE) -> None:
        """Waits until nothing of a call can be heard. Raises PeerError."""
        self._wait_played(lambda tone: tone is None, "silence", timeout)

    def _wait_played(self, wanted: Callable[[Tone | None], bool], what: str, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while not wanted(tone := dominant_tone(Recording(_RATE, np.array(self.evaluate(_LISTEN, _SPELL))))):
            if time.monotonic() > deadline:
                raise PeerError(f"Firefox plays no {what} but {tone or 'silence'}")

    def _nodes(self, role: str, name: str) -> list[dict[str, Any]]:
        locator = {"type": "accessibility", "value": {"role": role, "name": name}}
        return list(self._firefox.do("browsingContext.locateNodes", context=self._context, locator=locator)["nodes"])

    def wait_for(self, role: str, name: str) -> dict[str, Any]:
        """Waits for something to be there. Raises PeerError."""
        return dict(self.wait(lambda: self._nodes(role, name), f"{role} {name!r}")[0])

    def wait_text(self, text: str) -> None:
        """Waits until the page shows a text."""
        self.wait(lambda: text in self.evaluate("() => document.body.innerText"), repr(text))

    def click(self, role: str, name: str) -> None:
        """Clicks on the middle of something, with the mouse."""
        node = self.wait_for(role, name)
        origin = {"type": "element", "element": {"sharedId": node["sharedId"]}}
        moves = [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": origin},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        self._act({"type": "pointer", "id": "mouse", "actions": moves})

    def type(self, text: str) -> None:
        """Types into what has the focus."""
        self._press_all([(key,) for key in text])

    def press(self, *keys: str) -> None:
        """Presses keys together."""
        self._press_all([tuple(KEYS.get(key, key) for key in keys)])

    def _press_all(self, chords: list[tuple[str, ...]]) -> None:
        moves = []
        for keys in chords:
            moves += [{"type": "keyDown", "value": key} for key in keys]
            moves += [{"type": "keyUp", "value": key} for key in reversed(keys)]
        self._act({"type": "key", "id": "keyboard", "actions": moves})

    def _act(self, source: dict[str, Any]) -> None:
        self._firefox.do("input.performActions", context=self._context, actions=[source])
