"""TLS on a connection, over memory instead of a socket.

asyncio's own TLS hides connections until their handshake is done, so that nobody could bound or time them, and
reserves a quarter of a megabyte for each. Here a connection is one kind of object from its first octet on.
"""

import ssl
from pathlib import Path

from sip.errors import TransportError

_READ = 65_536


def server_context(certificate: Path, private_key: Path) -> ssl.SSLContext:
    """For listening: a certificate chain and its key in PEM. Raises TransportError when they can't be used."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION  # a client must not make us do its handshake again and again
    try:
        context.load_cert_chain(certificate, private_key)
    except (OSError, ssl.SSLError) as error:
        raise TransportError(f"certificate {certificate} with key {private_key}: {_words(error)}") from None
    return context


def client_context(authority: Path | None = None) -> ssl.SSLContext:
    """For connecting: trusts `authority` (PEM), or what the machine trusts. Raises TransportError."""
    try:
        context = ssl.create_default_context(cafile=authority)
    except (OSError, ssl.SSLError) as error:
        raise TransportError(f"certificate authority {authority}: {_words(error)}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class TlsSession:
    """One side of one TLS connection; `name` is whom a client expects the certificate to name.

    After every call `outgoing` has what must go on the wire. Every method but that one raises TransportError
    when the peer breaks TLS or is not who it should be.
    """

    __slots__ = ("_incoming", "_object", "_outgoing", "ended", "established")

    def __init__(self, context: ssl.SSLContext, name: str | None = None) -> None:
        self.established = False
        self.ended = False  # the peer has said that nothing more comes
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = context.wrap_bio(
            self._incoming, self._outgoing, server_side=name is None, server_hostname=name
        )

    def receive(self, data: bytes) -> bytes:
        """The text in these octets; empty while the handshake goes on. A client starts it with no octets."""
        self._incoming.write(data)
        parts: list[bytes] = []
        try:
            if not self.established:
                self._object.do_handshake()
                self.established = True
            while part := self._object.read(_READ):
                parts.append(part)
            self.ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.ended = True
        except ssl.SSLError as error:
            raise TransportError(f"TLS: {_words(error)}") from None
        return b"".join(parts) if len(parts) != 1 else parts[0]

    def encrypt(self, data: bytes) -> None:
        """Once established."""
        try:
            self._object.write(data)
        except ssl.SSLError as error:
            raise TransportError(f"TLS: {_words(error)}") from None

    def outgoing(self) -> bytes:
        return self._outgoing.read()

    def end(self) -> None:
        """Says that nothing more comes from us."""
        if self.established:
            try:
                self._object.unwrap()
            except ssl.SSLError:  # the peer's own farewell is not waited for
                return


def _words(error: OSError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, ssl.SSLError):
        return (error.reason or str(error)).replace("_", " ").lower()
    return error.strerror or str(error)
