"""linphonec 5.1 of Debian (liblinphone), driven at its prompt.

Debug output goes to the same terminal and holds the SIP messages. With `soundcard use files` it plays and records WAV
files instead of using a sound card.
"""

import re
import shutil
from ipaddress import ip_address
from pathlib import Path
from typing import ClassVar

from tests.support.peers.base import Ability, Account, Phone
from tests.support.peers.calls import Call
from tests.support.peers.peer import DEADLINE
from tests.support.peers.trace import SipMessage, Way

_CONFIG = """\
[sip]
sip_port={udp}
sip_tcp_port={tcp}
sip_tls_port={tls}
bind_address=127.0.0.1
use_ipv6=0
contact={contact}
default_proxy=0
inc_timeout=120
media_encryption=none
root_ca={ca}
verify_server_certs={verify}
verify_server_cn={verify_name}

[rtp]
audio_rtp_port=-1
bind_address=127.0.0.1

[sound]
echocancellation=0

[video]
capture=0
display=0

[misc]
log_collection=0
add_missing_audio_codecs=0

[audio_codec_0]
mime=PCMU
rate=8000
channels=1
enabled=1

[audio_codec_1]
mime=PCMA
rate=8000
channels=1
enabled=1

[proxy_0]
reg_proxy=<sip:{server};transport={transport}>
reg_route=<sip:{server};transport={transport};lr>
reg_identity={contact}
reg_expires={expires}
reg_sendregister=1
publish=0
quality_reporting_enabled=0

[auth_info_0]
username={number}
passwd={password}
"""

_LOG = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d:\d+ \S+-(?:message|warning|error|debug|trace|fatal)-")
_SENT = re.compile(rb"message sent to \[")
_RECEIVED = re.compile(rb"received \[\d+\] new bytes from \[")
_ASSIGNED = re.compile(r"(?P<way>Receiving|Establishing) .*, assigned id (?P<id>\d+)")


class Linphone(Phone):
    """Rejects with 603 only."""

    kind: ClassVar[str] = "linphone"
    program: ClassVar[str] = "linphonec"
    abilities: ClassVar[frozenset[Ability]] = frozenset(
        {Ability.REJECT_DECLINE, Ability.ATTENDED_TRANSFER, Ability.SEND_TEXT}
    )

    def __init__(self, account: Account, folder: Path, *, tone: float = 700.0) -> None:
        super().__init__(account, folder, tone=tone)
        self._numbers: dict[str, int] = {}
        self._number_of_next = 0

    @classmethod
    def installed(cls) -> bool:
        return shutil.which(cls.program) is not None

    def recordings(self) -> list[Path]:
        return [path for path in [self.folder / "heard.wav"] if path.exists()]

    def _command(self) -> list[str | Path]:
        account = self.account
        (self.folder / ".local/share/linphone").mkdir(parents=True, exist_ok=True)
        name = f'"{account.name}" ' if account.name else ""
        ports = {"udp": 0, "tcp": 0, "tls": 0, str(account.transport): -1}  # 0: none, -1: any
        config = _CONFIG.format(
            **ports,
            contact=f"{name}<{account.address}>",
            ca=account.ca or "",
            verify=int(account.ca is not None),
            # It doesn't look for addresses in a certificate's alternative names.
            verify_name=int(account.ca is not None and not _is_address(account.server)),
            server=account.server,
            transport=account.transport,
            expires=account.expires,
            number=account.number,
            password=account.password,
        )
        (self.folder / "linphonerc").write_text(config)
        return [self.program, "-S", "-d", "6", "-c", self.folder / "linphonerc"]

    def _started(self) -> None:
        self.process.wait_for(r"video is disabled in linphonec")
        self.process.send("soundcard use files")
        self.process.send(f"play {self.tone_file}")
        self.process.send(f"record {self.folder / 'heard.wav'}")

    def _announced(self, line: bytes) -> Way | None:
        if not _LOG.search(line):
            return None
        if _SENT.search(line):
            return Way.SENT
        return Way.RECEIVED if _RECEIVED.search(line) else None

    def _other_line(self, line: str) -> None:
        if digit := re.search(r"Receiving tone (.) from", line):
            self._take_digit(digit[1])
        elif assigned := _ASSIGNED.search(line):
            self._assign(int(assigned["id"]), outgoing=assigned["way"] == "Establishing")

    def _assign(self, number: int, *, outgoing: bool) -> None:
        """Note the number that linphonec gives a call, before the INVITE that it sends, after one that it receives."""
        with self._changed:
            if outgoing:
                self._number_of_next = number
            else:
                self._numbers[self._book.calls[-1].id] = number
            self._changed.notify_all()

    def _take_message(self, message: SipMessage) -> None:
        with self._changed:
            super()._take_message(message)
            if self._book.calls and (newest := self._book.calls[-1]).outgoing:
                # After a redirection there is a new Call-ID under the same number.
                self._numbers.setdefault(newest.id, self._number_of_next)

    def _id(self, call: Call) -> int:
        return self._wait(lambda: self._numbers.get(call.id), f"{call} has no number", DEADLINE)

    def _dial(self, uri: str) -> None:
        self.process.send(f"call {uri}")

    def _answer(self, call: Call) -> None:
        self.process.send(f"answer {self._id(call)}")

    def _reject(self, call: Call, status: int) -> None:
        if status != 603:
            raise NotImplementedError(f"linphonec can't reject with {status}, only with 603")
        self._hang_up(call)

    def _hang_up(self, call: Call) -> None:
        self.process.send(f"terminate {self._id(call)}")

    def _hold(self, call: Call) -> None:
        self.process.send(f"pause {self._id(call)}")

    def _resume(self, call: Call) -> None:
        self.process.send(f"resume {self._id(call)}")

    def _dtmf(self, call: Call, digits: str) -> None:
        self.process.send(digits)

    def _transfer(self, call: Call, uri: str) -> None:
        self.process.send(f"transfer {self._id(call)} {uri}")

    def _attended_transfer(self, call: Call, to: Call) -> None:
        self.process.send(f"transfer {self._id(call)} --to-call {self._id(to)}")

    def _send_text(self, uri: str, text: str) -> None:
        self.process.send(f"chat {uri} {text}")

    def _quit(self) -> None:
        self.process.terminate()  # at a prompt for a password its `quit` would be one


def _is_address(server: str) -> bool:
    try:
        ip_address(server.rpartition(":")[0].strip("[]"))
    except ValueError:
        return False
    return True
