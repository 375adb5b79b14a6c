"""RTCP between the two sides of a session: reports and feedback in the numbers of whom they are for.

Every stream has SSRC, sequence numbers and timestamps of its own on each side, so what one party reports is
translated for the other. A party that hears nothing from across gets reports of our own, so that round trip and
loss are known on every leg.
"""

import time
from collections.abc import Iterable, Sequence

from pbx.media.relay import rtcp
from pbx.media.relay.packet import HEADER_LENGTH
from pbx.media.relay.rtcp import Block, Feedback, Report
from pbx.media.relay.stream import Stream

REPORT_EVERY = 5.0  # seconds, RFC 3550 §6.2
# Seconds after which nothing more comes from across: twice the longest interval of one who reports every five.
# Until then nothing of ours goes between: it would tell of another clock, and sound and picture drift apart.
SILENT = 15.0


def receive(data: bytes, streams: Sequence[Stream]) -> bool:
    """Takes a compound packet, decrypted, of the party whose streams on this transport these are.

    False if there is nothing in it that we understand.
    """
    now = time.monotonic()
    outgoing: dict[Stream, tuple[list[Report], list[Feedback]]] = {}
    understood = False
    for found in rtcp.read(data):
        understood = True
        if isinstance(found, Report):
            for stream, report in _reports(found, streams, now):
                outgoing.setdefault(stream, ([], []))[0].append(report)
        else:
            for stream, feedback in _feedback(found, streams):
                asked = outgoing.setdefault(stream, ([], []))[1]
                # One full picture serves all who ask for one, and a small packet has room for many such requests.
                alike = [one for one in asked if (one.kind, one.form) == (feedback.kind, feedback.form)]
                if not (alike and feedback.wants_key_frame):
                    asked.append(feedback)
    for stream, (passed, asked) in outgoing.items():
        if passed:
            stream.correspondence.relayed = now
        _send(stream, passed, asked)
    return understood


def _reports(report: Report, streams: Sequence[Stream], now: float) -> Iterable[tuple[Stream, Report]]:
    """What a report becomes for the parties across."""
    for stream in streams:
        out = stream.across
        mine = tuple(block for block in report.blocks if block.ssrc == stream.ssrc)
        for block in mine:
            stream.correspondence.answered(block, now)
        is_sender = report.ntp and (report.ssrc == stream.source or (len(streams) == 1 and stream.source < 0))
        if is_sender:
            stream.correspondence.heard = (report.ntp >> 16 & 0xFFFFFFFF, now)
        if out is None:
            continue
        blocks = tuple(_translated(block, stream, out) for block in mine) if out.is_relayed and out.source >= 0 else ()
        if is_sender and stream.is_relayed:
            out.correspondence.sent(report.ntp, now)
            timestamp = stream.shifted_timestamp(report.timestamp)
            yield out, Report(out.ssrc, blocks, report.ntp, timestamp, out.sent & 0xFFFFFFFF, _payload(out))
        elif blocks:
            yield out, Report(out.ssrc, blocks)


def _translated(block: Block, stream: Stream, out: Stream) -> Block:
    """How the far party's stream arrives here, in the numbers that it has given."""
    highest = (block.highest & 0xFFFF0000) | out.original(block.highest & 0xFFFF)
    # A report of ours has a time that the far party would take for one of its own clock.
    last, delay = (0, 0) if stream.correspondence.is_own(block.last) else (block.last, block.delay)
    return Block(out.source, block.fraction, block.lost, highest, block.jitter, last, delay)


def _feedback(feedback: Feedback, streams: Sequence[Stream]) -> Iterable[tuple[Stream, Feedback]]:
    subjects = feedback.subjects
    for stream in streams:
        out = stream.across
        if out is None or out.source < 0 or (stream.ssrc not in subjects and not _is_for_all(feedback, streams)):
            continue
        wanted = out.exchange.feedback
        if feedback.wants_key_frame:
            if stream.kind == "video":
                yield from ((out, one) for one in _key_frame(out))
        elif feedback.kind == rtcp.TRANSPORT_FEEDBACK and feedback.form == rtcp.NACK and "nack" in wanted:
            again = [(out.original(first), others) for first, others in rtcp.lost_packets(feedback)]
            yield out, rtcp.ask_again(out.ssrc, out.source, again)
        elif feedback.kind == rtcp.TRANSPORT_FEEDBACK and feedback.form == rtcp.TRANSPORT_WIDE:
            if "transport-cc" in wanted and stream.keeps != frozenset():
                yield out, Feedback(feedback.kind, feedback.form, out.ssrc, out.source, feedback.details)
                return  # about the transport, so it goes over once
        elif (bitrate := rtcp.estimate(feedback)) is not None and "goog-remb" in wanted:
            yield out, rtcp.estimated(out.ssrc, bitrate[0], [out.source])


def _is_for_all(feedback: Feedback, streams: Sequence[Stream]) -> bool:
    """Old phones name no stream, or that of an earlier call, where there is only one."""
    return len(streams) == 1 and feedback.wants_key_frame


def _key_frame(out: Stream) -> list[Feedback]:
    """The request for a full picture that the party of `out` understands; both kinds where it has named none."""
    wanted = out.exchange.feedback
    loss, intra = "nack pli" in wanted, "ccm fir" in wanted
    unknown = not (loss or intra)
    return rtcp.ask_for_key_frame(
        out.ssrc,
        out.source,
        loss=loss or unknown,
        intra=(intra and not loss) or unknown,
        count=out.correspondence.next_request(),
    )


def ask_for_key_frame(stream: Stream) -> None:
    """Asks the stream's party for a full picture: somebody new looks at it."""
    if stream.kind == "video" and stream.source >= 0:
        _send(stream, [], _key_frame(stream))


def report(stream: Stream, now: float) -> None:
    """Sends our own report to a stream's party when it is due and none comes from across."""
    state = stream.correspondence
    if now - state.relayed < SILENT or now - state.reported < REPORT_EVERY:
        return
    state.reported = now
    blocks = (_own_block(stream, now),) if stream.source >= 0 and stream.reception.base >= 0 else ()
    if stream.feed is None or not stream.sent:
        if blocks:
            _send(stream, [Report(stream.ssrc, blocks)], [])
        return
    _, timestamp, when = stream.feed.position()
    ntp = rtcp.ntp_time(time.time())
    reached = (timestamp + int((now - when) * stream.clock)) & 0xFFFFFFFF
    state.sent(ntp, now, own=True)
    _send(stream, [Report(stream.ssrc, blocks, ntp, reached, stream.sent & 0xFFFFFFFF, _payload(stream))], [])


def _payload(stream: Stream) -> int:
    """The octets that were sent without headers, as a sender report counts them."""
    return (stream.sent_octets - HEADER_LENGTH * stream.sent) & 0xFFFFFFFF


def _own_block(stream: Stream, now: float) -> Block:
    reception = stream.reception
    middle, came = stream.correspondence.heard
    delay = int((now - came) * 65_536) & 0xFFFFFFFF if middle else 0
    fraction, jitter = reception.fraction_lost(), int(reception.jitter)
    return Block(stream.source, fraction, reception.lost, reception.extended, jitter, middle, delay)


def _send(stream: Stream, reports: Sequence[Report], feedback: Sequence[Feedback]) -> None:
    """One compound packet: RFC 3550 §6.1, it begins with a report and has a CNAME."""
    parts = [one.to_bytes() for one in reports] or [Report(stream.ssrc).to_bytes()]
    parts.append(rtcp.described_as(stream.ssrc, stream.correspondence.name))
    parts.extend(one.to_bytes() for one in feedback)
    stream.transport.send_rtcp(b"".join(parts))
