"""The short way of a packet: from the connected socket of one party to that of the other, in a single function.

Nearly all packets are the next one of a known source, of an agreed payload type, without header extension. For these
everything is at hand in the variables of a closure; what changes in the course of a call is read from the streams each
time, so nothing has to be told here. All others take the general way, from the same place in the buffer.
"""

from collections.abc import Callable
from os import readv

from pbx.media.relay.packet import (
    AREA,
    BUFFER,
    BUFFERS,
    HEADER,
    HEADER_LENGTH,
    LENGTH,
    LENGTH_AREA,
    LIBSRTP,
    LONGEST,
    NUMBERS,
    PREFIXES,
    WORDS,
)
from pbx.media.relay.srtp import Protection
from pbx.media.relay.stream import Stream

Header = tuple[int, int, int, int, int]  # compiled, it is taken apart without a look at each value


def short_way(
    descriptor: int,
    stream: Stream,
    inbound: Protection | None,
    general: Callable[[int], None],
    refuse: Callable[[], None],
) -> Callable[[], None]:
    """A function that reads a packet of the stream's party from a socket on which only that party is heard.

    Args:
        inbound: what decrypts the packets; None for plain RTP.
        general: takes a packet in the buffer, as it came, that isn't ordinary.
        refuse: is told of a packet that failed authentication.
    """
    # Compiled, a name of this function is found at once, and one of the module in a dictionary.
    unpack, pack_numbers = HEADER.unpack_from, NUMBERS.pack_into
    protect, unprotect = LIBSRTP.srtp_protect, LIBSRTP.srtp_unprotect
    read, buffer, buffers, words, prefixes = readv, BUFFER, BUFFERS, WORDS, PREFIXES
    area, length_of, length_area = AREA, LENGTH, LENGTH_AREA
    shortest, longest = HEADER_LENGTH, LONGEST
    reception, measure = stream.reception, stream.measure

    def packet() -> None:
        try:
            length: int = read(descriptor, buffers)  # half the price of socket.recv_into
        except OSError:  # nothing there after all, or the party's port was closed when we sent
            return
        header: Header = unpack(buffer)
        first, second, sequence, timestamp, ssrc = header
        out = stream.across
        kind = second & 0x7F
        if (
            length < shortest  # then what was unpacked is of the packet before
            or length > longest
            or first != 0x80  # an extension, contributing sources, padding, or no RTP at all
            or ssrc != stream.source
            or sequence - reception.highest != 1
            or out is None
            or out.feed is not stream
            or (mapped := stream.map[kind]) < 0
            or 191 < second < 224  # RTCP, RFC 5761 §4
        ):
            general(length)
            return
        if inbound is not None:
            length_of[0] = length
            if unprotect(inbound.context, area, length_area):
                refuse()
                return
            length = length_of[0]
        reception.highest = sequence
        reception.packets += 1
        reception.octets += length
        if not sequence & 3:
            measure(timestamp)
        if stream.shifted:
            pack_numbers(
                buffer,
                2,
                (sequence + stream.sequence_shift) & 0xFFFF,
                (timestamp + stream.timestamp_shift) & 0xFFFFFFFF,
            )
        if mapped != kind:
            buffer[1] = (second & 0x80) | mapped
        words[2] = out.ssrc_word
        out.sent += 1
        out.sent_octets += length
        write, outbound = out.write, out.outbound
        if write is None:
            out.transport.send(0, length)
            return
        if outbound is not None:
            length_of[0] = length
            if protect(outbound.context, area, length_area):
                return
            length = length_of[0]
        try:
            write(prefixes[length])
        except OSError:  # its port is closed, or the queue of the interface is full: a lost packet either way
            return

    return packet
