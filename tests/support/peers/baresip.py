"""baresip 1.0 of Debian, driven by the commands of its menu on a terminal.

Its SIP trace (`-s`) goes to the same terminal. It plays through ALSA to the card of `sound_card.py`. (Its `sndfile`
filter would record without that, but doesn't come back after a hold.)
"""

import re
import shutil
from pathlib import Path
from typing import ClassVar

from tests.support.peers.base import Ability, Phone, Transport
from tests.support.peers.calls import Call
from tests.support.peers.sound_card import asoundrc
from tests.support.peers.trace import Way

MODULES = Path("/usr/lib/baresip/modules")

_CONFIG = """\
module_path {modules}
module stdio.so
module g711.so
module alsa.so
module srtp.so
module aufile.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
net_interface {host}
sip_listen {port}
{ca}
call_local_timeout 120
call_max_calls {most_calls}
audio_source aufile,{tone}
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
rtp_ports 10000-60000
jitter_buffer_delay 1-5
audio_player alsa,heard
audio_alert none
"""

_ANNOUNCED = re.compile(rb"(?:UDP|TCP|TLS) (?P<source>\S+:\d+) -> (?P<target>\S+:\d+)\r?$")


class Baresip(Phone):
    """Rejects with 486 only, has no attended transfer and sends no messages. Speaks IPv6 where the server does."""

    kind: ClassVar[str] = "baresip"
    program: ClassVar[str] = "baresip"
    abilities: ClassVar[frozenset[Ability]] = frozenset({Ability.REJECT_BUSY})
    most_calls: ClassVar[int] = 4
    """How many lines it has: a call that finds none free gets 486."""

    encryption: ClassVar[str] = ""
    """Of its media: nothing, or "srtp-mand", with which it takes and makes no call without SRTP."""

    @classmethod
    def installed(cls) -> bool:
        return shutil.which(cls.program) is not None and (MODULES / "alsa.so").exists()

    def recordings(self) -> list[Path]:
        return sorted(self.folder.glob("heard-*.wav"))

    def _command(self) -> list[str | Path]:
        account = self.account
        authority = f"sip_cafile {account.ca}" if account.ca else ""
        ipv6 = account.server.startswith("[")
        here = {"host": "::1", "port": "[::1]:0"} if ipv6 else {"host": "127.0.0.1", "port": "127.0.0.1:0"}
        config = _CONFIG.format(modules=MODULES, tone=self.tone_file, ca=authority, most_calls=self.most_calls, **here)
        (self.folder / "config").write_text(config)
        (self.folder / "contacts").write_text("")
        (self.folder / ".asoundrc").write_text(asoundrc(self.folder / "heard", 8000))
        parameters = [
            f"auth_user={account.number}",
            f"auth_pass={account.password}",
            f"regint={account.expires}",
            "audio_codecs=pcmu,pcma",
        ]
        if self.encryption:
            parameters.append(f"mediaenc={self.encryption}")
        if account.domain is not None:
            parameters.append(f'outbound="sip:{account.server};transport={account.transport}"')
        address = f'"{account.name}" <{account.address};transport={account.transport}>'
        (self.folder / "accounts").write_text(";".join([address, *parameters]) + "\n")
        return [self.program, "-6" if ipv6 else "-4", "-s", "-f", self.folder]

    def _announced(self, line: bytes) -> Way | None:
        found = _ANNOUNCED.search(line)
        if not found:
            return None
        return Way.SENT if found["target"].decode() == self.account.server else Way.RECEIVED

    def _other_line(self, line: str) -> None:
        if digit := re.search(r"received event: '(.)' \(end=0\)", line):
            self._take_digit(digit[1])

    def _started(self) -> None:
        self.process.wait_for(r"baresip is ready")

    def _menu(self, command: str) -> None:
        self.process.send(f"/{command}")

    def _at(self, call: Call, command: str) -> None:
        """Make a call the current one, then give a command."""
        self._menu(f"callfind {call.id}")
        self._menu(command)

    def _dial(self, uri: str) -> None:
        transport = "" if self.account.transport is Transport.UDP else f";transport={self.account.transport}"
        self._menu(f"dial {uri}{transport}")

    def _answer(self, call: Call) -> None:
        self._at(call, "accept")

    def _reject(self, call: Call, status: int) -> None:
        if status != 486:
            raise NotImplementedError(f"baresip can't reject with {status}, only with 486")
        self._at(call, "hangup")

    def _hang_up(self, call: Call) -> None:
        self._at(call, "hangup")

    def _hold(self, call: Call) -> None:
        self._at(call, "hold")

    def _resume(self, call: Call) -> None:
        self._at(call, "resume")

    def _dtmf(self, call: Call, digits: str) -> None:
        self._at(call, f"sndcode {digits}")

    def _transfer(self, call: Call, uri: str) -> None:
        self._at(call, f"transfer {uri}")

    def _quit(self) -> None:
        self._menu("quit")
