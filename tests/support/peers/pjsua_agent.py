"""The program behind `pjsua.py`: a telephone made of pjsua2, run as a process of its own.

    python pjsua_agent.py SETTINGS

SETTINGS is a JSON object (see `main`). Commands are JSON objects, one a line on standard input; standard output has the
library's log with all SIP messages, and lines that begin with "@": `@ ready`, `@ digit 5`, `@ failed COMMAND: why`.

pjsua2 is under the GPL, which is why nothing but this file imports it.
"""

import json
import os
import select
import sys
import time
import uuid
from collections import deque
from collections.abc import Callable
from typing import Any

import pjsua2 as pj

PATIENCE = 3.0  # seconds for what stands in a command's way to pass
TRANSPORTS = {
    "udp": pj.PJSIP_TRANSPORT_UDP,
    "tcp": pj.PJSIP_TRANSPORT_TCP,
    "tls": pj.PJSIP_TRANSPORT_TLS,
}


def say(text: str) -> None:
    print(f"@ {text}", flush=True)


class Conversation(pj.Call):  # type: ignore[misc]
    """A call that plays the tone and is recorded whenever it has audio."""

    def __init__(self, phone: "Telephone", call_id: int = pj.PJSUA_INVALID_ID) -> None:
        super().__init__(phone, call_id)
        self.phone = phone
        self.negotiating = False

    def onCallTsxState(self, prm: Any) -> None:
        event = prm.e
        transaction = event.body.tsxState.tsx
        if transaction.role == pj.PJSIP_ROLE_UAC and transaction.method in ("INVITE", "UPDATE"):
            self.negotiating = transaction.state < pj.PJSIP_TSX_STATE_COMPLETED

    def onCallState(self, prm: Any) -> None:
        if self.getInfo().state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self.phone.conversations.remove(self)

    def onCallMediaState(self, prm: Any) -> None:
        info = self.getInfo()  # kept, since its parts live no longer than itself
        for index, media in enumerate(info.media):
            if media.type == pj.PJMEDIA_TYPE_AUDIO and media.status == pj.PJSUA_CALL_MEDIA_ACTIVE:
                audio = self.getAudioMedia(index)
                self.phone.player.startTransmit(audio)
                audio.startTransmit(self.phone.recorder)

    def onDtmfDigit(self, prm: Any) -> None:
        say(f"digit {prm.digit}")

    def onCallTransferRequest(self, prm: Any) -> None:
        prm.newCall = self.phone.adopt(Conversation(self.phone))

    def onCallReplaceRequest(self, prm: Any) -> None:
        """Taken over by INVITE with Replaces: the library answers it."""

    def onCallReplaced(self, prm: Any) -> None:
        prm.newCall = self.phone.adopt(Conversation(self.phone, prm.newCallId))


class Telephone(pj.Account):  # type: ignore[misc]
    """The account, its calls, and what they hear and say."""

    def __init__(self, tone: str, heard: str) -> None:
        super().__init__()
        self.conversations: list[Conversation] = []
        self.registered = False
        self.player = pj.AudioMediaPlayer()
        self.player.createPlayer(tone)
        self.recorder = pj.AudioMediaRecorder()
        self.recorder.createRecorder(heard)

    def adopt(self, conversation: Conversation) -> Conversation:
        self.conversations.append(conversation)
        return conversation

    def find(self, sip_call_id: str) -> Conversation:
        for conversation in self.conversations:
            if conversation.getInfo().callIdString == sip_call_id:
                return conversation
        raise LookupError(f"no call {sip_call_id}")

    def onRegState(self, prm: Any) -> None:
        self.registered = prm.code == 200 and prm.expiration > 0

    def onIncomingCall(self, prm: Any) -> None:
        self.adopt(Conversation(self, prm.callId)).answer(operation(180))

    def onInstantMessage(self, prm: Any) -> None:
        say(f"text {prm.msgBody}")


def operation(status: int = 0) -> Any:
    """Return the parameters of a call's operation."""
    parameters = pj.CallOpParam(True)
    parameters.statusCode = status
    return parameters


def resume(conversation: Conversation) -> None:
    parameters = operation()
    parameters.opt.flag = pj.PJSUA_CALL_UNHOLD
    conversation.reinvite(parameters)


def dtmf_by_info(digits: str) -> Any:
    parameters = pj.CallSendDtmfParam()
    parameters.digits = digits
    parameters.method = pj.PJSUA_DTMF_METHOD_SIP_INFO
    return parameters


def send_text(phone: Telephone, target: str, text: str) -> None:
    settings = pj.BuddyConfig()
    settings.uri = target
    buddy = pj.Buddy()
    buddy.create(phone, settings)
    parameters = pj.SendInstantMessageParam()
    parameters.content = text
    buddy.sendInstantMessage(parameters)


class Busy(Exception):
    """The call is not ready for this command."""


def perform(phone: Telephone, command: dict[str, str]) -> None:
    """Carry out one command.

    Raises pj.Error if the library refuses, LookupError for a call that is gone, Busy while the call negotiates.
    """

    def subject() -> Conversation:
        return phone.find(command["call"])

    def settled() -> Conversation:
        # After an answer with several codecs the library makes an offer of its own ("codec lock"). An offer of ours
        # in the middle of it repeats the direction from before.
        if (conversation := subject()).negotiating:
            raise Busy("it negotiates")
        return conversation

    actions: dict[str, Callable[[], object]] = {
        "dial": lambda: phone.adopt(Conversation(phone)).makeCall(command["target"], operation()),
        "answer": lambda: subject().answer(operation(200)),
        "reject": lambda: subject().hangup(operation(int(command["status"]))),
        "hang up": lambda: subject().hangup(operation()),
        "hold": lambda: settled().setHold(operation()),
        "resume": lambda: resume(settled()),
        "dtmf": lambda: subject().dialDtmf(command["digits"]),
        "dtmf by INFO": lambda: subject().sendDtmf(dtmf_by_info(command["digits"])),
        "transfer": lambda: settled().xfer(command["target"], operation()),
        "attended transfer": lambda: settled().xferReplaces(phone.find(command["to"]), operation()),
        "text": lambda: send_text(phone, command["target"], command["text"]),
    }
    actions[command["do"]]()


def serve(endpoint: Any, phone: Telephone) -> None:
    """Carry out commands in their order until `quit` or the end of standard input."""
    unread, waiting = b"", deque[tuple[dict[str, str], float]]()
    while True:
        endpoint.libHandleEvents(10)
        if select.select([sys.stdin], [], [], 0)[0]:
            octets = os.read(sys.stdin.fileno(), 65536)
            if not octets:
                return
            *lines, unread = (unread + octets).split(b"\n")
            waiting.extend((json.loads(line), time.monotonic() + PATIENCE) for line in lines)
        while waiting:
            command, deadline = waiting[0]
            if command["do"] == "quit":
                return
            try:
                perform(phone, command)
            except (pj.Error, LookupError, Busy) as error:
                if time.monotonic() < deadline:
                    break
                say(f"failed {command['do']}: {error.info() if isinstance(error, pj.Error) else error}")
            waiting.popleft()


def endpoint_settings() -> Any:
    settings = pj.EpConfig()
    settings.uaConfig.threadCnt = 0
    settings.uaConfig.mainThreadOnly = True
    settings.logConfig.level = settings.logConfig.consoleLevel = 4
    settings.medConfig.noVad = True
    settings.medConfig.ecTailLen = 0
    return settings


def account_settings(settings: dict[str, Any]) -> Any:
    account = pj.AccountConfig()
    name = f'"{settings["name"]}" ' if settings["name"] else ""
    account.idUri = f"{name}<{settings['address']}>"
    account.regConfig.registrarUri = settings["registrar"]
    account.regConfig.timeoutSec = settings["expires"]
    for proxy in settings["proxies"]:
        account.sipConfig.proxies.append(proxy)
    credentials = pj.AuthCredInfo("digest", "*", settings["number"], 0, settings["password"])
    account.sipConfig.authCreds.append(credentials)
    # By default it is derived from the host's name: two phones of one machine and number would replace each other.
    account.natConfig.sipOutboundInstanceId = f"<{uuid.uuid4().urn}>"
    account.mediaConfig.transportConfig.boundAddress = "127.0.0.1"
    account.mediaConfig.transportConfig.port = 0
    account.mediaConfig.srtpUse = pj.PJMEDIA_SRTP_DISABLED
    return account


def main(settings: dict[str, Any]) -> None:
    """Run a telephone.

    Settings: `number`, `password`, `name`, `address` (of record), `registrar` and `proxies` (URIs), `transport`, `ca`
    (file or empty), `expires` (seconds), `tone` and `heard` (WAV files).
    """
    endpoint = pj.Endpoint()
    endpoint.libCreate()
    endpoint.libInit(endpoint_settings())
    transport = pj.TransportConfig()
    transport.boundAddress = "127.0.0.1"
    if settings["ca"]:
        transport.tlsConfig.CaListFile = settings["ca"]
        transport.tlsConfig.verifyServer = True
    endpoint.transportCreate(TRANSPORTS[settings["transport"]], transport)
    endpoint.libStart()
    endpoint.audDevManager().setNullDev()
    # What the law of the tests is comes first; the rest stays on offer, as in a phone out of the box.
    endpoint.codecSetPriority("PCMU/8000", 255)
    endpoint.codecSetPriority("PCMA/8000", 254)
    phone = Telephone(settings["tone"], settings["heard"])
    phone.create(account_settings(settings))
    say("ready")
    serve(endpoint, phone)
    leave(endpoint, phone)
    os._exit(0)  # the library's own way out always takes a second


def leave(endpoint: Any, phone: Telephone) -> None:
    """Hang up and unregister."""
    endpoint.hangupAllCalls()
    if phone.registered:
        phone.setRegistration(False)
    deadline = time.monotonic() + PATIENCE
    while (phone.registered or phone.conversations) and time.monotonic() < deadline:
        endpoint.libHandleEvents(10)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
