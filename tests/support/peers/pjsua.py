"""pjsua2 2.15 from the wheel `pjsua2-python`, in a process of its own (`pjsua_agent.py`)."""

import importlib.util
import json
import re
import sys
from pathlib import Path
from typing import ClassVar

from tests.support.peers.base import Ability, Phone, Transport
from tests.support.peers.calls import Call
from tests.support.peers.trace import Way

AGENT = Path(__file__).with_name("pjsua_agent.py")

_ANNOUNCED = re.compile(rb"\b(TX|RX) \d+ bytes (?:Request|Response) msg ")


class Pjsua(Phone):
    """Can all, with at most four calls at once."""

    kind: ClassVar[str] = "pjsua"
    program: ClassVar[str] = "pjsua2-python"
    abilities: ClassVar[frozenset[Ability]] = frozenset(Ability)

    @classmethod
    def installed(cls) -> bool:
        return importlib.util.find_spec("pjsua2") is not None

    def recordings(self) -> list[Path]:
        return [path for path in [self.folder / "heard.wav"] if path.exists()]

    def _command(self) -> list[str | Path]:
        account = self.account
        direct = account.domain is None and account.transport is Transport.UDP
        settings = {
            "number": account.number,
            "password": account.password,
            "name": account.name,
            "address": account.address,
            "registrar": self._uri(f"sip:{account.domain or account.server}"),
            "proxies": [] if direct else [self._uri(f"sip:{account.server};lr")],
            "transport": account.transport,
            "ca": str(account.ca or ""),
            "expires": account.expires,
            "tone": str(self.tone_file),
            "heard": str(self.folder / "heard.wav"),
        }
        return [sys.executable, "-u", AGENT, json.dumps(settings)]

    def _uri(self, uri: str) -> str:
        return uri if self.account.transport is Transport.UDP else f"{uri};transport={self.account.transport}"

    def _announced(self, line: bytes) -> Way | None:
        found = _ANNOUNCED.search(line)
        return None if not found else Way.SENT if found[1] == b"TX" else Way.RECEIVED

    def _other_line(self, line: str) -> None:
        if digit := re.match(r"@ digit (.)", line):
            self._take_digit(digit[1])

    def _started(self) -> None:
        self.process.wait_for(r"^@ ready")

    def _do(self, command: str, **arguments: str) -> None:
        self.process.send(json.dumps({"do": command, **arguments}))

    def _dial(self, uri: str) -> None:
        self._do("dial", target=self._uri(uri))

    def _answer(self, call: Call) -> None:
        self._do("answer", call=call.id)

    def _reject(self, call: Call, status: int) -> None:
        self._do("reject", call=call.id, status=str(status))

    def _hang_up(self, call: Call) -> None:
        self._do("hang up", call=call.id)

    def _hold(self, call: Call) -> None:
        self._do("hold", call=call.id)

    def _resume(self, call: Call) -> None:
        self._do("resume", call=call.id)

    def _dtmf(self, call: Call, digits: str) -> None:
        self._do("dtmf", call=call.id, digits=digits)

    def dtmf_by_info(self, digits: str) -> None:
        """Press keys in the newest call, and have them sent in INFO requests."""
        self._do("dtmf by INFO", call=self._newest().id, digits=digits)

    def _transfer(self, call: Call, uri: str) -> None:
        self._do("transfer", call=call.id, target=uri)

    def _attended_transfer(self, call: Call, to: Call) -> None:
        self._do("attended transfer", call=call.id, to=to.id)

    def _send_text(self, uri: str, text: str) -> None:
        self._do("text", target=self._uri(uri), text=text)

    def _quit(self) -> None:
        self._do("quit")
