"""A browser as a telephone: Chromium with JsSIP, on the server's own origin, without the web client.

It says a tone by Chromium's fake microphone, and listens by Web Audio. What goes on is Playwright's; the script below
is all that runs in the page.
"""

import functools
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.peers.peer import DEADLINE
from tests.support.processes import PeerError
from tests.support.tones import write_tone

ROOT = Path(__file__).parents[3]
CLIENT = ROOT / "web/client"
BUNDLER, JSSIP = CLIENT / "node_modules/.bin/rolldown", CLIENT / "node_modules/jssip/lib/JsSIP.js"
CHROMIUM = "/usr/bin/chromium"
TOLERANCE = 30.0  # Hz

_SCRIPT = """
window.phone = {
  sessions: [], incoming: null, registered: false, failure: "", texts: [],
  start(settings) {
    const socket = new JsSIP.WebSocketInterface(settings.socket);
    this.ua = new JsSIP.UA({
      sockets: [socket], uri: settings.uri, authorization_user: settings.username, password: settings.password,
      register: true, register_expires: 300, user_agent: "JsSIP of the tests",
    });
    this.ua.on("registered", () => { this.registered = true; });
    this.ua.on("registrationFailed", event => { this.failure = event.cause; });
    this.ua.on("newRTCSession", event => this.take(event.session));
    this.ua.start();
  },
  take(session) {
    const call = { session, state: "calling", cause: "", code: 0, direction: session.direction };
    this.sessions.push(call);
    if (session.direction === "incoming") { call.state = "ringing"; this.incoming = call; }
    session.on("progress", event => {
      if (event.originator === "remote") { call.state = "ringing"; call.code = event.response.status_code; }
    });
    session.on("confirmed", () => { call.state = "talking"; });
    session.on("failed", event => {
      call.state = "ended"; call.cause = event.cause;
      call.code = event.message && event.message.status_code || 0;
    });
    session.on("ended", event => { call.state = "ended"; call.cause = event.cause; });
    const hook = connection => connection.addEventListener("track", event => this.hear(call, event));
    if (session.connection) hook(session.connection);
    else session.on("peerconnection", event => hook(event.peerconnection));
  },
  hear(call, event) {
    if (event.track.kind === "video") {
      call.video = document.createElement("video");
      call.video.muted = true; call.video.srcObject = new MediaStream([event.track]); call.video.play();
      document.body.append(call.video);
      return;
    }
    const stream = new MediaStream([event.track]);
    const sink = new Audio(); sink.srcObject = stream; sink.muted = true; sink.play();  // or Chromium decodes nothing
    const context = this.context || (this.context = new AudioContext());
    const analyser = context.createAnalyser();
    analyser.fftSize = 8192;
    context.createMediaStreamSource(stream).connect(analyser);
    call.analyser = analyser;
  },
  loudest(call) {
    if (!call.analyser) return [0, -200];
    const levels = new Float32Array(call.analyser.frequencyBinCount);
    call.analyser.getFloatFrequencyData(levels);
    let best = 1;
    for (let bin = 1; bin < levels.length; bin++) if (levels[bin] > levels[best]) best = bin;
    return [best * this.context.sampleRate / call.analyser.fftSize, levels[best]];
  },
  shows(call) { return !!call.video && call.video.videoWidth > 0 && call.video.currentTime > 0; },
  call(target, video) {
    this.ua.call(target, { mediaConstraints: { audio: true, video } });
    return this.sessions.length - 1;
  },
  answer(video) { this.incoming.session.answer({ mediaConstraints: { audio: true, video } }); },
};
"""


@functools.cache
def jssip(folder: Path = ROOT / "build") -> str:
    """JsSIP as one script, from the client's packages."""
    folder.mkdir(exist_ok=True)
    target = folder / "jssip.js"
    command = [str(BUNDLER), str(JSSIP), "--format", "iife", "--name", "JsSIP", "--file", str(target)]
    subprocess.run(command, check=True, capture_output=True, cwd=CLIENT)
    return target.read_text()


@contextmanager
def chromium(folder: Path, tone: float) -> Iterator[Browser]:
    """A browser whose microphone says a tone, and whose camera shows Chromium's test picture."""
    sound = folder / f"microphone-{tone:g}.wav"
    folder.mkdir(parents=True, exist_ok=True)
    write_tone(sound, tone)
    arguments = [
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--autoplay-policy=no-user-gesture-required",
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={sound}",
    ]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


class BrowserPhone:
    """One page that is registered as a phone.

    Args:
        origin: of the server's web, https://host:port.
        account: SIP name and password.
    """

    @classmethod
    def installed(cls) -> bool:
        """Whether there is a browser to be one, and JsSIP for it."""
        return Path(CHROMIUM).exists() and BUNDLER.exists() and JSSIP.exists()

    def __init__(
        self, browser: Browser, origin: str, number: str, domain: str, account: tuple[str, str], tone: float = 0.0
    ) -> None:
        self.number = number
        self.tone = tone
        self._domain = domain
        self._context = browser.new_context(ignore_https_errors=True, bypass_csp=True)
        self.page: Page = self._context.new_page()
        self.page.goto(f"{origin}/healthz")
        self.page.evaluate(jssip() + ";window.JsSIP = JsSIP;")
        self.page.evaluate(_SCRIPT)
        name, password = account
        settings = {
            "socket": origin.replace("https:", "wss:") + "/sip",
            "uri": f"sip:{number}@{domain}",
            "username": name,
            "password": password,
        }
        self.page.evaluate("settings => phone.start(settings)", settings)

    def close(self) -> None:
        """As if the tab was closed."""
        self._context.close()

    def wait(self, condition: str, what: str, timeout: float = DEADLINE) -> None:
        """Waits for a JavaScript expression to be true. Raises PeerError."""
        try:
            self.page.wait_for_function(condition, timeout=timeout * 1000, polling=50)
        except Exception as error:
            state = self.page.evaluate("phone.sessions.map(c => [c.direction, c.state, c.cause, c.code])")
            raise PeerError(
                f"browser {self.number}: no {what}: {state} {self.page.evaluate('phone.failure')}"
            ) from error

    def wait_registered(self) -> None:
        self.wait("phone.registered", "registration")

    def call(self, target: str, *, video: bool = False) -> int:
        """Calls; the place of the call among all of this page."""
        return int(
            self.page.evaluate(
                "([target, video]) => phone.call(target, video)", [f"sip:{target}@{self._domain}", video]
            )
        )

    def wait_incoming(self) -> int:
        self.wait("phone.incoming && phone.incoming.state === 'ringing'", "incoming call")
        return int(self.page.evaluate("phone.sessions.indexOf(phone.incoming)"))

    def caller(self, call: int) -> str:
        """Who calls, as the page would show."""
        return str(self.page.evaluate(f"phone.sessions[{call}].session.remote_identity.uri.user"))

    def answer(self, *, video: bool = False) -> None:
        self.page.evaluate("video => phone.answer(video)", video)

    def wait_state(self, call: int, state: str) -> None:
        self.wait(f"phone.sessions[{call}].state === '{state}'", state)

    def hears(self, call: int) -> tuple[float, float]:
        """The loudest frequency, in hertz, and its level in dB."""
        hz, level = self.page.evaluate(f"phone.loudest(phone.sessions[{call}])")
        return float(hz), float(level)

    def wait_hears(self, call: int, hz: float, timeout: float = DEADLINE) -> None:
        """Waits until this tone is what is heard."""
        expression = f"(([f, l]) => l > -60 && Math.abs(f - {hz}) < {TOLERANCE})(phone.loudest(phone.sessions[{call}]))"
        try:
            self.wait(expression, f"tone of {hz:g} Hz", timeout)
        except PeerError as error:
            raise PeerError(f"{error}; loudest is {self.hears(call)}") from error

    def wait_picture(self, call: int) -> None:
        """Waits until video has arrived and is being shown."""
        self.wait(f"phone.shows(phone.sessions[{call}])", "picture")

    def wait_silent(self, call: int, timeout: float = DEADLINE) -> None:
        self.wait(f"phone.loudest(phone.sessions[{call}])[1] < -80", "silence", timeout)

    def do(self, call: int, what: str, *arguments: Any) -> Any:
        """A method of JsSIP's session: hold, unhold, mute, sendDTMF, refer, terminate."""
        return self.page.evaluate(
            f"arguments_ => {{ phone.sessions[{call}].session.{what}(...arguments_); }}", list(arguments)
        )

    def cause(self, call: int) -> tuple[str, int]:
        """Why a call ended, in JsSIP's words, and the status of the response that ended it."""
        cause, code = self.page.evaluate(f"[phone.sessions[{call}].cause, phone.sessions[{call}].code]")
        return str(cause), int(code)
