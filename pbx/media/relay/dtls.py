"""DTLS-SRTP (RFC 5764): the handshake in which two parties agree on the keys of their media.

Octets in, octets out; the caller owns the port and the timer. Who the other side is, is told by the fingerprint of
its certificate, which came with the signalling: another certificate ends everything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

from pbx.media.relay.suites import BY_DTLS_NAME, DTLS_SUITES, MasterKey
from sip.sdp.attributes import Fingerprint

LABEL = b"EXTRACTOR-dtls_srtp"  # RFC 5764 §4.2
MTU = 1200  # octets of a record; a browser's own limit, which gets through every tunnel
CIPHERS = b"ECDHE+AESGCM:ECDHE+CHACHA20"
VALID = timedelta(days=30)

_DIGESTS: dict[str, type[hashes.HashAlgorithm]] = {
    "sha-256": hashes.SHA256,
    "sha-384": hashes.SHA384,
    "sha-512": hashes.SHA512,
}


class State(Enum):
    CONNECTING = auto()
    CONNECTED = auto()
    FORGED = auto()  # the certificate isn't the one that was signalled
    FAILED = auto()
    CLOSED = auto()  # the other side has said goodbye


class Identity:
    """A certificate of our own, with what makes connections of it. Its fingerprint goes into our descriptions."""

    def __init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "media")])
        now = datetime.now(UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))  # the browser's clock may be slow
            .not_valid_after(now + VALID)
            .sign(key, hashes.SHA256())
        )
        self.fingerprint = Fingerprint("sha-256", certificate.fingerprint(hashes.SHA256()))
        context = SSL.Context(SSL.DTLS_METHOD)
        context.set_verify(SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT, _take_any)
        context.use_certificate(certificate)
        context.use_privatekey(key)
        context.set_cipher_list(CIPHERS)
        context.set_options(SSL.OP_NO_TICKET)
        context.set_tlsext_use_srtp(b":".join(suite.dtls_name for suite in DTLS_SUITES))
        self._context = context

    def connection(self, *, server: bool) -> SSL.Connection:
        """A connection that has not begun, of memory only."""
        made = SSL.Connection(self._context, None)
        made.set_ciphertext_mtu(MTU)
        if server:
            made.set_accept_state()
        else:
            made.set_connect_state()
        return made


def _take_any(*_: object) -> bool:
    """Every certificate is self-signed; the fingerprint decides, once the handshake is complete."""
    return True


@dataclass(frozen=True, slots=True)
class Keys:
    """What the handshake gives: the key of what comes, and of what goes."""

    inbound: MasterKey
    outbound: MasterKey


class Handshake:
    """One association with one party.

    `prints` are the fingerprints that the party has signalled. `keys` are there once `state` is CONNECTED.
    """

    def __init__(self, identity: Identity, prints: Sequence[Fingerprint], *, server: bool) -> None:
        self.state = State.CONNECTING
        self.keys: Keys | None = None
        self._prints = tuple(prints)
        self._server = server
        self._connection = identity.connection(server=server)

    def begin(self) -> list[bytes]:
        """The first flight, for the side that speaks first."""
        return self._go_on()

    def take(self, datagram: bytes) -> list[bytes]:
        """Takes what came; the datagrams to send. What isn't DTLS is ignored, as DTLS itself does."""
        if self.state not in (State.CONNECTING, State.CONNECTED):
            return []
        try:
            self._connection.bio_write(datagram)
        except SSL.Error:
            return []
        if self.state is State.CONNECTED:
            return self._after()
        return self._go_on()

    @property
    def timeout(self) -> float | None:
        """Seconds until `timed_out` wants to be called; None for never."""
        if self.state is not State.CONNECTING:
            return None
        wait = self._connection.DTLSv1_get_timeout()
        return None if wait is None else float(wait)

    def timed_out(self) -> list[bytes]:
        """The last flight again, when nothing came (RFC 6347 §4.2.4)."""
        try:
            self._connection.DTLSv1_handle_timeout()
        except SSL.Error:  # too many tries
            self.state = State.FAILED
        return self._written()

    def goodbye(self) -> list[bytes]:
        """The end of the association, for the other side to know."""
        if self.state is not State.CONNECTED:
            return []
        self.state = State.CLOSED
        try:
            self._connection.shutdown()
        except SSL.Error:
            return []
        return self._written()

    def _go_on(self) -> list[bytes]:
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return self._written()
        except SSL.Error:
            self.state = State.FAILED
            return self._written()
        self._finish()
        return self._written()

    def _finish(self) -> None:
        if not self._is_who_was_signalled():
            self.state = State.FORGED
            return
        suite = BY_DTLS_NAME.get(self._connection.get_selected_srtp_profile())
        if suite is None:
            self.state = State.FAILED
            return
        material = self._connection.export_keying_material(LABEL, 2 * suite.length)
        key, salt = suite.key_length, suite.salt_length
        # RFC 5764 §4.2: both keys, the client's first, then both salts.
        client = MasterKey(suite, material[:key] + material[2 * key : 2 * key + salt])
        server = MasterKey(suite, material[key : 2 * key] + material[2 * key + salt :])
        self.keys = Keys(client, server) if self._server else Keys(server, client)
        self.state = State.CONNECTED

    def _is_who_was_signalled(self) -> bool:
        certificate = self._connection.get_peer_certificate(as_cryptography=True)
        if certificate is None:
            return False
        # RFC 8122 §5: the certificate has to match one fingerprint of a digest that we accept as secure.
        known = [one for one in self._prints if one.algorithm in _DIGESTS]
        return any(certificate.fingerprint(_DIGESTS[one.algorithm]()) == one.digest for one in known)

    def _after(self) -> list[bytes]:
        """Records after the handshake: a repeated flight, which is answered again, or the end.

        All that have come are read: what stayed would be kept for ever.
        """
        try:
            while True:
                self._connection.recv(2048)
        except SSL.ZeroReturnError:
            self.state = State.CLOSED
        except SSL.Error:
            pass
        return self._written()

    def _written(self) -> list[bytes]:
        datagrams: list[bytes] = []
        while True:
            try:
                datagrams.append(self._connection.bio_read(MTU + 300))
            except SSL.Error:
                return datagrams
