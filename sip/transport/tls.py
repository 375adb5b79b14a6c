"""TLS on a connection, over memory instead of a socket.

asyncio's own TLS hides connections until their handshake is done, so that nobody could bound or time them, and
reserves a quarter of a megabyte for each. Here a connection is one kind of object from its first octet on.
"""

import ssl

from sip.errors import TransportError

_READ = 65_536


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
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_side=name is None, server_hostname=name)

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


def _words(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return (error.reason or str(error)).replace("_", " ").lower()
