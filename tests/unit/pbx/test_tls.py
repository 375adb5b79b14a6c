"""The certificate that a process shows follows its files."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest

from pbx.certificates import Files, Identity, ensure
from pbx.tls import ServerTls

NOW = datetime(2026, 11, 26, tzinfo=UTC)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    files = Files(*(tmp_path / name for name in ("ca.pem", "ca.key", "server.pem", "server.key")))
    ensure(files, Identity.of(("pbx.test",), [ip_address("127.0.0.1")]), NOW)
    return files


def shown(context: ssl.SSLContext, files: Files) -> bytes | None:
    """The certificate that a client gets in a handshake."""
    client = ssl.create_default_context(cafile=files.authority)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server_side = context.wrap_bio(to_server, to_client, server_side=True)
    client_side = client.wrap_bio(to_client, to_server)
    for _ in range(4):
        for side in (client_side, server_side):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return client_side.getpeercert(binary_form=True)


def test_renewed_certificate_is_shown_without_a_restart(files: Files) -> None:
    tls = ServerTls(files.certificate, files.private_key)
    before = shown(tls.context, files)
    assert before
    assert not tls.look()
    ensure(files, Identity.of(("pbx.test", "other.test"), []), NOW + timedelta(days=1))
    assert tls.look()
    assert shown(tls.context, files) not in (None, before)


def test_certificate_that_does_not_fit_its_key_leaves_the_old_one_in_use(files: Files, tmp_path: Path) -> None:
    tls = ServerTls(files.certificate, files.private_key)
    before = shown(tls.context, files)
    files.certificate.write_text("no certificate")
    assert not tls.look()
    assert shown(tls.context, files) == before
