"""ICE-lite and DTLS of a browser's transport, with a browser made of the same parts: who gets in, and who is gone."""

import asyncio
import socket
from collections.abc import Iterator

import pytest
from aioice.stun import Class, Message, Method, parse_message
from OpenSSL import SSL

from pbx.media.plane import Loss
from pbx.media.relay import ice, webrtc_leg
from pbx.media.relay.dtls import Handshake, Identity, State
from pbx.media.relay.leg import Machinery
from pbx.media.relay.packet import BUFFER, HEADER, load
from pbx.media.relay.rtcp import Report
from pbx.media.relay.srtp import MOST_SOURCES, Protection
from pbx.media.relay.stream import Stream
from pbx.media.relay.webrtc_leg import WebRtcTransport
from sip.sdp.attributes import Fingerprint, IceCredentials, Setup
from sip.sdp.codecs import Codec

VP8 = (Codec(96, "VP8", 90_000),)


class Browser:
    """The other side: a socket, credentials, a certificate."""

    def __init__(self, port: int, *, server: bool = False) -> None:
        self.credentials = IceCredentials("brow", "s" * 24)
        self.identity = Identity()
        self.socket = socket.socket(type=socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self._hub = ("127.0.0.1", port)
        self.server = server
        self.handshake: Handshake | None = None

    def check(self, ufrag: str, password: str, *, nominate: bool = True) -> None:
        """Sends a check."""
        attributes = {"USERNAME": f"{ufrag}:{self.credentials.ufrag}", "PRIORITY": 1, "ICE-CONTROLLING": 5}
        if nominate:
            attributes["USE-CANDIDATE"] = None
        request = Message(Method.BINDING, Class.REQUEST, attributes=attributes)
        request.add_message_integrity(password.encode())
        self.send(bytes(request))

    def send(self, datagram: bytes) -> None:
        self.socket.sendto(datagram, self._hub)

    def received(self) -> list[bytes]:
        found = []
        while True:
            try:
                found.append(self.socket.recv(2048))
            except BlockingIOError:
                return found


class Scene:
    """A transport with one stream, and its browser; `turn` lets the loop read what has come."""

    def __init__(self, machinery: Machinery, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.lost: list[Loss] = []
        self.greetings: list[bytes] = []  # DTLS that came together with the answer to a check
        self.transport = WebRtcTransport(loop, machinery.hub, Identity(), self.lost.append)
        self.stream = Stream("video", 0)
        self.stream.exchange.ours = VP8
        self.stream.connect(self.stream)  # an echo
        self.stream.map = [96] * 128
        self.transport.add(self.stream)
        self.browser = Browser(machinery.hub.port)
        self.hub = machinery.hub

    def turn(self, seconds: float = 0.02) -> None:
        self.loop.run_until_complete(asyncio.sleep(seconds))

    def checked(self, *, password: str = "", ufrag: str = "", **more: bool) -> list[bytes]:
        """What comes back for a check."""
        credentials = self.transport.credentials
        self.browser.check(ufrag or credentials.ufrag, password or credentials.password, **more)
        self.turn()
        came = self.browser.received()
        self.greetings += [one for one in came if one[0] == 22]
        return [one for one in came if one[0] < 4]

    def agreed(self, prints: list[Fingerprint] | None = None, role: Setup | None = None) -> None:
        prints = [self.browser.identity.fingerprint] if prints is None else prints
        self.transport.negotiated(self.browser.credentials, prints, role)

    def handshake(self) -> Handshake:
        """Both sides speak until nothing more comes."""
        handshake = Handshake(self.browser.identity, [self.transport.identity.fingerprint], server=self.browser.server)
        outgoing = [] if self.browser.server else handshake.begin()
        outgoing += [answer for one in self.greetings for answer in handshake.take(one)]
        for _ in range(10):
            for datagram in outgoing:
                self.browser.send(datagram)
            self.turn()
            outgoing = [answer for one in self.browser.received() for answer in handshake.take(one)]
        return handshake


@pytest.fixture
def scene(machinery: Machinery, loop: asyncio.AbstractEventLoop) -> Iterator[Scene]:
    scene = Scene(machinery, loop)
    yield scene
    scene.transport.close()
    scene.browser.socket.close()


def test_check_with_our_password_is_answered_with_its_source(scene: Scene) -> None:
    (data,) = scene.checked()
    response = parse_message(data)
    assert response.message_class == Class.RESPONSE
    assert response.attributes["XOR-MAPPED-ADDRESS"] == scene.browser.socket.getsockname()
    assert response.check_message_integrity(scene.transport.credentials.password.encode())


def test_check_of_a_stranger_is_not_answered(scene: Scene) -> None:
    assert scene.checked(password="x" * 24) == []
    assert scene.checked(ufrag="unknown") == []
    assert scene.hub.dropped == 2


def test_party_that_does_not_control_is_told_so(scene: Scene) -> None:
    credentials = scene.transport.credentials
    request = Message(Method.BINDING, Class.REQUEST, attributes={"USERNAME": f"{credentials.ufrag}:x"})
    request.attributes["ICE-CONTROLLED"] = 5
    request.add_message_integrity(credentials.password.encode())
    scene.browser.send(bytes(request))
    scene.turn()
    (data,) = scene.browser.received()
    assert parse_message(data).attributes["ERROR-CODE"][0] == 487


def test_party_that_does_not_control_chooses_no_way_and_gives_no_consent(scene: Scene) -> None:
    scene.agreed()
    before = scene.transport._consent
    credentials = scene.transport.credentials
    name = f"{credentials.ufrag}:{scene.browser.credentials.ufrag}"
    attributes = {"USERNAME": name, "ICE-CONTROLLED": 5, "USE-CANDIDATE": None}
    request = Message(Method.BINDING, Class.REQUEST, attributes=attributes)
    request.add_message_integrity(credentials.password.encode())
    scene.browser.send(bytes(request))
    scene.turn()
    assert scene.transport._consent == before
    assert scene.transport._selected is None


def test_media_without_a_check_is_dropped(scene: Scene) -> None:
    scene.agreed()
    scene.browser.send(HEADER.pack(0x80, 96, 1, 1, 1) + b"x")
    scene.browser.send(b"\x16\xfe\xfd" + bytes(20))
    scene.turn()
    assert scene.hub.dropped == 2


@pytest.mark.parametrize("server", [False, True], ids=["browser begins", "we begin"])
def test_handshake_gives_both_sides_the_same_keys(machinery: Machinery, scene: Scene, server: bool) -> None:
    scene.browser.server = server
    scene.agreed(role=Setup.PASSIVE if server else Setup.ACTIVE)
    scene.checked()
    handshake = scene.handshake()
    assert handshake.state is State.CONNECTED
    assert handshake.keys is not None
    out, into = Protection(handshake.keys.outbound, inbound=False), Protection(handshake.keys.inbound, inbound=True)
    end = out.protect(0, load(HEADER.pack(0x80, 96, 7, 70, 0xB0B) + b"picture"))
    scene.browser.send(bytes(BUFFER[:end]))
    scene.turn()
    media = [one for one in scene.browser.received() if one[0] == 0x80 and one[1] == 96]
    length = into.unprotect(load(media[0]))
    assert bytes(BUFFER[12:length]) == b"picture"
    assert scene.lost == []


@pytest.mark.parametrize("role", [Setup.ACTIVE, Setup.PASSIVE])
def test_further_offer_leaves_the_encryption_as_it_is(scene: Scene, role: Setup) -> None:
    scene.browser.server = role is Setup.PASSIVE
    scene.agreed(role=role)
    scene.checked()
    assert scene.handshake().state is State.CONNECTED
    before = scene.transport._inbound
    assert before is not None
    scene.agreed(role=None)  # the browser offers: actpass
    assert scene.transport._inbound is before
    assert scene.transport.role is (Setup.ACTIVE if role is Setup.PASSIVE else Setup.PASSIVE)
    scene.agreed([Identity().fingerprint])
    assert scene.transport._inbound is None, "another certificate is another association"


@pytest.mark.parametrize("octets", [1200, 256], ids=["whole", "in two datagrams"])
def test_browser_that_is_ahead_of_its_description_is_served(scene: Scene, octets: int) -> None:
    """As the offerer, we may be checked and greeted before the answer is here; nothing waits for a repetition."""
    scene.checked()
    handshake = Handshake(scene.browser.identity, [scene.transport.identity.fingerprint], server=False)
    handshake._connection.set_tlsext_host_name(b"a" * 200)
    handshake._connection.set_ciphertext_mtu(octets)
    (greeting,) = handshake.begin()
    assert (len(greeting) > octets) is (octets == 256)
    for datagram in filter(None, (greeting[:octets], greeting[octets:])):
        scene.browser.send(datagram)
    scene.turn()
    assert scene.browser.received() == []
    scene.agreed(role=Setup.ACTIVE)
    for _ in range(5):
        scene.turn()
        for one in scene.browser.received():
            for answer in handshake.take(one):
                scene.browser.send(answer)
    assert handshake.state is State.CONNECTED


def test_wrong_certificate_is_the_end(scene: Scene) -> None:
    scene.agreed([Identity().fingerprint])
    scene.checked()
    scene.handshake()
    assert scene.lost == [Loss.FINGERPRINT]


@pytest.mark.parametrize("digest", ["sha-1", "md5"])
def test_fingerprint_of_a_weak_digest_proves_nothing(scene: Scene, digest: str) -> None:
    scene.agreed([Fingerprint(digest, bytes(20))])
    scene.checked()
    scene.handshake()
    assert scene.lost == [Loss.FINGERPRINT]


def test_lost_flight_is_sent_again(scene: Scene) -> None:
    scene.agreed(role=Setup.PASSIVE)  # so that we begin
    scene.browser.server = True
    scene.checked()
    scene.greetings.clear()
    scene.turn(1.2)
    scene.greetings = scene.browser.received()
    assert [one[0] for one in scene.greetings] == [22]
    assert scene.handshake().state is State.CONNECTED


def test_records_that_nobody_wants_are_not_kept(scene: Scene) -> None:
    """A browser may send data by its association, several records in a datagram; ours is for keys only."""
    scene.agreed()
    scene.checked()
    handshake = scene.handshake()
    for _ in range(20):
        handshake._connection.write(b"data")
    scene.browser.send(b"".join(handshake._written()))
    scene.turn()
    ours = scene.transport._handshake
    assert ours is not None
    with pytest.raises(SSL.WantReadError):
        ours._connection.recv(2048)


def test_last_flight_is_repeated_for_a_browser_that_has_not_got_it(scene: Scene) -> None:
    scene.agreed()
    scene.checked()
    browser = Handshake(scene.browser.identity, [scene.transport.identity.fingerprint], server=False)
    outgoing = browser.begin()
    for _ in range(2):
        for datagram in outgoing:
            scene.browser.send(datagram)
        scene.turn()
        came, outgoing = outgoing, []
        lost = scene.browser.received()
        if scene.transport.is_open:
            break
        outgoing = [answer for one in lost for answer in browser.take(one)]
    assert came
    assert scene.transport.is_open
    assert browser.state is State.CONNECTING
    scene.turn(1.1)
    for datagram in browser.timed_out():
        scene.browser.send(datagram)
    scene.turn()
    for datagram in scene.browser.received():
        browser.take(datagram)
    assert browser.state is State.CONNECTED


def test_browser_that_takes_ever_new_sources_is_remembered_by_some(scene: Scene) -> None:
    for start in range(0, 1000, 10):
        scene.transport.learn_sources(scene.stream, range(start, start + 10), "0", 0)
    assert list(scene.transport._by_source) == list(range(1000 - webrtc_leg.MOST_SOURCES, 1000))


def test_browser_that_speaks_as_ever_new_sources_is_bounded(scene: Scene) -> None:
    scene.agreed()
    scene.checked()
    handshake = scene.handshake()
    assert handshake.keys is not None
    out = Protection(handshake.keys.outbound, inbound=False)
    for ssrc in range(2 * MOST_SOURCES):
        scene.browser.send(bytes(BUFFER[: out.protect(0, load(HEADER.pack(0x80, 96, 7, 70, ssrc) + b"x"))]))
        scene.browser.send(out.protect_rtcp(Report(ssrc).to_bytes()))
    scene.turn(0.1)
    assert scene.stream.reception.packets == 2 * MOST_SOURCES
    assert scene.transport._inbound is not None
    assert len(scene.transport._inbound._sources) == MOST_SOURCES


def test_browser_that_stops_checking_is_gone(scene: Scene) -> None:
    scene.agreed()
    scene.checked()
    scene.handshake()
    now = scene.transport._consent
    scene.transport.tick(now + webrtc_leg.CONSENT - 1)
    assert scene.lost == []
    scene.checked(nominate=False)
    scene.transport.tick(now + webrtc_leg.CONSENT)
    assert scene.lost == [], "a check is a sign of life"
    scene.transport.tick(scene.transport._consent + webrtc_leg.CONSENT + 0.1)
    assert scene.lost == [Loss.CONSENT]
    scene.transport.tick(scene.transport._consent + 2 * webrtc_leg.CONSENT)
    assert scene.lost == [Loss.CONSENT], "it is said once"
    assert webrtc_leg.CONSENT + 1 <= 30


def test_browser_that_never_comes_is_given_up(scene: Scene) -> None:
    scene.transport.tick(1e9)
    assert scene.lost == [], "it has not been called yet"
    scene.agreed()
    scene.transport.tick(scene.transport._described + webrtc_leg.SET_UP + 0.1)
    assert scene.lost == [Loss.SETUP]


def test_browser_that_changes_its_network_is_followed(scene: Scene) -> None:
    scene.agreed()
    scene.checked()
    handshake = scene.handshake()
    assert handshake.keys is not None
    scene.browser.socket.close()
    scene.browser.socket = socket.socket(type=socket.SOCK_DGRAM)
    scene.browser.socket.bind(("127.0.0.1", 0))
    scene.browser.socket.setblocking(False)
    scene.checked()
    out = Protection(handshake.keys.outbound, inbound=False)
    end = out.protect(0, load(HEADER.pack(0x80, 96, 7, 70, 0xB0B) + b"picture"))
    scene.browser.send(bytes(BUFFER[:end]))
    scene.turn()
    assert any(one[0] == 0x80 for one in scene.browser.received())


def test_address_of_a_browser_can_not_be_taken_away_by_who_forges_it(machinery: Machinery, scene: Scene) -> None:
    """He has a call of his own, so his checks are authentic; the address that they seem to come from is not his."""
    scene.agreed()
    scene.checked()
    handshake = scene.handshake()
    assert handshake.keys is not None
    other = WebRtcTransport(scene.loop, machinery.hub, Identity(), scene.lost.append)
    assert scene.checked(ufrag=other.credentials.ufrag, password=other.credentials.password) == []
    out = Protection(handshake.keys.outbound, inbound=False)
    end = out.protect(0, load(HEADER.pack(0x80, 96, 7, 70, 0xB0B) + b"picture"))
    scene.browser.send(bytes(BUFFER[:end]))
    scene.turn()
    assert scene.stream.reception.packets == 1
    scene.transport._consent -= webrtc_leg.FRESH
    assert len(scene.checked(ufrag=other.credentials.ufrag, password=other.credentials.password)) == 1, (
        "a browser that has gone leaves its port to the next call"
    )
    other.close()


def test_restart_makes_the_old_password_worthless(scene: Scene) -> None:
    scene.agreed()
    old = scene.transport.credentials
    scene.transport.offered(IceCredentials("new1", "t" * 24))
    assert scene.transport.credentials != old
    assert scene.checked(ufrag=old.ufrag, password=old.password) == []
    assert len(scene.checked()) == 1


@pytest.mark.parametrize(
    "data",
    [b"", b"\0", bytes(20), b"\0\x01\0\0\x21\x12\xa4\x42" + bytes(12), b"\0\x01\0\x04" + bytes(20), b"\x03" * 40],
)
def test_what_is_no_check_is_nothing(data: bytes) -> None:
    assert ice.read_check(data) is None
