"""Rules that hold for every message of ours in every scenario (RFC 3261), checked on all that went over the wire."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sip.message import Request, Response, parse
from sip.transport.base import Address
from tests.support.wire import Packet


class Trace:
    """Everything that was sent, by transaction: what the server asked, and what it answered."""

    def __init__(self, packets: Iterable[Packet], server: Address) -> None:
        self.asked: dict[tuple[str, str], list[Request]] = defaultdict(list)
        self.answers: dict[tuple[str, str], list[Response]] = defaultdict(list)
        self.served: dict[tuple[str, str], Request] = {}
        self.given: dict[tuple[str, str], list[Response]] = defaultdict(list)
        self.in_order: list[Request | Response] = []
        for packet in packets:
            if packet.lost and packet.transport != "UDP":
                continue  # it waited for a connection that never stood
            message = parse(packet.data)
            assert message.cseq is not None
            key = message.via.branch, message.cseq.method
            if packet.source == server:
                self.in_order.append(message)
                if isinstance(message, Request):
                    self.asked[key].append(message)
                else:
                    self.given[key].append(message)
            elif not packet.lost:
                if isinstance(message, Request):
                    self.served.setdefault(key, message)
                else:
                    self.answers[key].append(message)


def check(packets: Iterable[Packet], server: Address) -> None:
    """Fails where a message of the server's breaks a rule."""
    trace = Trace(packets, server)
    _requests(trace)
    _acks(trace)
    _responses(trace)
    _descriptions(trace)


def _requests(trace: Trace) -> None:
    last: dict[tuple[str, str, str], int] = {}
    ended: set[tuple[str, str, str]] = set()
    for (_, method), sent in trace.asked.items():
        request = sent[0]
        assert all(again.to_bytes() == request.to_bytes() for again in sent), f"{request} changed when it was repeated"
        assert request.cseq is not None
        assert request.get("Max-Forwards") is not None
        assert len(request.rows("Via")) == 1
        assert ("Content-Type" in request.headers) == bool(request.body)
        if method in ("INVITE", "UPDATE", "REFER"):
            assert len(request.rows("Contact")) == 1, f"{request} has no Contact"
        if method in ("ACK", "CANCEL"):
            continue
        dialog = request.call_id, request.from_tag
        key = (*dialog, request.to_tag)
        assert key not in ended, f"{request} after the BYE"
        before = last.get(key, last.get((*dialog, ""), 0))
        assert request.cseq.number > before, f"{request}: CSeq {request.cseq.number} after {before}"
        last[key] = request.cseq.number
        if method == "BYE":
            ended.add(key)


def _acks(trace: Trace) -> None:
    """The ACK of a 2xx has a branch of its own, that of a failure the branch of its INVITE (§13.2.2.4, §17.1.1.3)."""
    acks = [sent[0] for (_, method), sent in trace.asked.items() if method == "ACK"]
    for (branch, method), answers in trace.answers.items():
        if method != "INVITE" or (branch, "INVITE") not in trace.asked:
            continue
        invite = trace.asked[branch, "INVITE"][0]
        assert invite.cseq is not None
        for answer in answers:
            if answer.status < 200:
                continue
            fitting = [
                ack
                for ack in acks
                if ack.call_id == invite.call_id
                and ack.to_tag == answer.to_tag
                and ack.cseq is not None
                and ack.cseq.number == invite.cseq.number
                and (ack.via.branch == branch) is (answer.status >= 300)
            ]
            assert fitting, f"no ACK for the {answer.status} to {invite}"


def _responses(trace: Trace) -> None:
    for key, responses in trace.given.items():
        request = trace.served.get(key)
        assert request is not None, f"{responses[0]} answers nothing"
        finals = {response.status for response in responses if response.status >= 200}
        assert len(finals) <= 1, f"{request} has several final answers: {finals}"
        tag, heard = "", False
        for response in responses:
            assert [via.split(";")[0] for via in response.rows("Via")] == [
                via.split(";")[0] for via in request.rows("Via")
            ]
            assert response.via.branch == request.via.branch
            for name in ("From", "Call-ID", "CSeq"):
                assert response.headers[name] == request.headers[name]
            assert response.to_tag or response.status == 100, f"{response} has no To tag"
            assert not request.to_tag or response.to_tag == request.to_tag
            assert ("Content-Type" in response.headers) == bool(response.body)
            if response.status in (405, 501):
                assert response.get("Allow")
            if response.status == 503:
                assert response.get("Retry-After")
            if key[1] == "INVITE" and 101 <= response.status < 300:
                assert len(response.rows("Contact")) == 1, f"{response} has no Contact"
            if response.status > 100 and tag and not heard:  # media from elsewhere comes in another dialog
                assert response.to_tag == tag, f"{response} is in another dialog than the response before"
            heard = heard or bool(response.body)
            tag = response.to_tag if response.status > 100 else tag


def check_all_answered(packets: Iterable[Packet], server: Address) -> None:
    """Every request has had its final answer; not to be asked where packets are lost on purpose."""
    trace = Trace(packets, server)
    for key, request in trace.served.items():
        if request.method == "ACK":
            continue
        finals = [response for response in trace.given.get(key, ()) if response.status >= 200]
        assert finals, f"{request} had no answer"


def _descriptions(trace: Trace) -> None:
    """Within a dialog the origin stays, and its version goes up by one at a change (RFC 3264 §8)."""
    last: dict[tuple[str, str], tuple[bytes, int, bytes]] = {}
    for message in trace.in_order:
        if message.get("Content-Type") != "application/sdp":
            continue
        ours = message.from_tag if isinstance(message, Request) else message.to_tag
        dialog = message.call_id, ours
        origin = next(line for line in message.body.split(b"\r\n") if line.startswith(b"o=")).split(b" ")
        session, version = origin[1], int(origin[2])
        if dialog in last:
            before, number, body = last[dialog]
            assert session == before, "another session within a dialog"
            assert version == number + (message.body != body), f"version {version} after {number}"
        last[dialog] = session, version, message.body
