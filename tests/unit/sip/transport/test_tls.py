"""TLS without a wire: two sessions and the octets between them."""

import ssl

import pytest

from sip.errors import TransportError
from sip.transport.tls import TlsSession
from tests.unit.sip.transport.conftest import Tls


def shaken(tls: Tls) -> tuple[TlsSession, TlsSession]:
    client, server = TlsSession(tls.client, "127.0.0.1"), TlsSession(tls.server)
    client.receive(b"")
    while not (client.established and server.established):
        assert server.receive(client.outgoing()) == b""
        assert client.receive(server.outgoing()) == b""
    return client, server


def test_text_crosses_in_both_directions(tls: Tls) -> None:
    client, server = shaken(tls)
    client.encrypt(b"request")
    client.encrypt(b" and more" * 10_000)
    assert server.receive(client.outgoing()) == b"request" + b" and more" * 10_000
    server.encrypt(b"response")
    assert client.receive(server.outgoing()) == b"response"


def test_octets_may_come_one_by_one(tls: Tls) -> None:
    client, server = TlsSession(tls.client, "localhost"), TlsSession(tls.server)
    client.receive(b"")
    text = b""
    while not text:
        for octet in client.outgoing():
            text += server.receive(bytes((octet,)))
        for octet in server.outgoing():
            client.receive(bytes((octet,)))
        if client.established:
            client.encrypt(b"?")
    assert text == b"?"


def test_farewell_is_heard(tls: Tls) -> None:
    client, server = shaken(tls)
    client.encrypt(b"last")
    client.end()
    assert server.receive(client.outgoing()) == b"last"
    assert server.ended
    server.end()
    client.receive(server.outgoing())
    assert client.ended


def test_farewell_before_the_handshake_says_nothing(tls: Tls) -> None:
    server = TlsSession(tls.server)
    server.end()
    assert server.outgoing() == b""


@pytest.mark.parametrize(
    "octets", [b"REGISTER sip:example.org SIP/2.0\r\n\r\n", b"\0" * 100, b"\x16\x03\x01\xff\xff" * 9]
)
def test_what_is_no_tls_is_an_error(tls: Tls, octets: bytes) -> None:
    with pytest.raises(TransportError, match="TLS: "):
        TlsSession(tls.server).receive(octets)


def test_damaged_record_is_an_error(tls: Tls) -> None:
    client, server = shaken(tls)
    client.encrypt(b"request")
    octets = bytearray(client.outgoing())
    octets[-1] ^= 1
    with pytest.raises(TransportError, match="TLS: "):
        server.receive(bytes(octets))


@pytest.mark.parametrize(
    ("name", "trusting", "problem"),
    [("192.0.2.1", True, "IP address mismatch"), ("example.org", True, "Hostname mismatch"), ("localhost", False, "")],
)
def test_client_refuses_whom_it_cannot_trust(tls: Tls, name: str, trusting: bool, problem: str) -> None:
    client, server = TlsSession(tls.client if trusting else tls.stranger, name), TlsSession(tls.server)
    client.receive(b"")
    server.receive(client.outgoing())
    with pytest.raises(TransportError, match=f"TLS: .*{problem}"):
        client.receive(server.outgoing())
    assert client.outgoing(), "the peer is told why"


def test_old_protocol_versions_are_refused(tls: Tls) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with pytest.warns(DeprecationWarning, match="TLSVersion.TLSv1_1 is deprecated"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.warns(DeprecationWarning, match="TLSVersion.TLSv1 is deprecated"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("ALL:@SECLEVEL=0")
    client, server = TlsSession(context, "localhost"), TlsSession(tls.server)
    client.receive(b"")
    with pytest.raises(TransportError, match="TLS: "):
        server.receive(client.outgoing())
