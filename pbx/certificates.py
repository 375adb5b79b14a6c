"""The installation's own certificate authority, and the server's certificate that it signs.

A phone that checks certificates is given the authority once. The server's certificate can then change
with the machine's names and addresses, and be renewed, without anybody going round the desks.
"""

import contextlib
import os
import secrets
import socket
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes as Key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pbx.addresses import IPAddress

AUTHORITY_DAYS = 3650
# Clients of some makers refuse certificates of more than 398 days, even of an authority of one's own.
SERVER_DAYS = 397
RENEW_DAYS = 30
SKEW = timedelta(days=1)  # a phone whose clock is behind takes a new certificate all the same
LONGEST_NAME = 64  # characters of a common name, RFC 5280 appendix A.1


class CertificateError(Exception):
    """A certificate or key cannot be read, written or used; the message is one line for an admin."""


@dataclass(frozen=True, slots=True)
class Files:
    """Where the four files are."""

    authority: Path
    authority_key: Path
    certificate: Path
    private_key: Path


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom the server's certificate is for. Names that are addresses count as such."""

    names: tuple[str, ...]
    addresses: tuple[IPAddress, ...]

    @classmethod
    def of(cls, names: Sequence[str], addresses: Collection[IPAddress]) -> "Identity":
        """From names as they are configured, each once, addresses among them told apart."""
        hosts: list[str] = []
        numeric = set(addresses)
        for name in names:
            try:
                numeric.add(ip_address(name))
            except ValueError:
                hosts.append(name.lower())
        ordered = sorted(numeric, key=lambda address: (address.version, address.packed))
        return cls(tuple(dict.fromkeys(hosts)), tuple(ordered))


@dataclass(frozen=True, slots=True)
class Renewal:
    """What was made anew, each with the reason in words; None where the old one stays."""

    authority: str | None
    certificate: str | None


def server_identity(domain: str, addresses: Collection[IPAddress]) -> Identity:
    """By what phones and browsers may know this server: its SIP domain, its name and its addresses."""
    own = socket.gethostname()
    return Identity.of((domain, *([own] if own.isascii() else []), "localhost"), addresses)


def ensure(files: Files, identity: Identity, now: datetime) -> Renewal:
    """Makes what is missing of authority and certificate, and renews what is about to end or does not fit.

    Raises CertificateError: a file is there and cannot be used, or the folder cannot be written.
    """
    try:
        authority, authority_key, made = _ensure_authority(files, now)
        reason = _why_new(files, identity, authority, now)
        if reason is not None:
            key = ec.generate_private_key(ec.SECP256R1())
            certificate = _sign(identity, key, authority, authority_key, now)
            _write(files.private_key, _key_pem(key), 0o600)
            _write(files.certificate, certificate.public_bytes(Encoding.PEM), 0o644)
    except OSError as error:
        raise CertificateError(f"cannot write {error.filename}: {error.strerror}") from error
    return Renewal(made, reason)


def problem(certificate: Path, private_key: Path, names: Collection[str], now: datetime) -> str | None:
    """Why a phone would refuse the certificate under all of these names; None if there is no reason.

    Raises CertificateError when a file cannot be read.
    """
    loaded = read_certificate(certificate)
    if loaded.not_valid_after_utc <= now:
        return f"it ended on {loaded.not_valid_after_utc:%Y-%m-%d}"
    if loaded.not_valid_before_utc > now:
        return f"it begins on {loaded.not_valid_before_utc:%Y-%m-%d} only"
    if not _belongs(_read_key(private_key), loaded):
        return f"{private_key} is not its key"
    wanted, given = Identity.of(list(names), ()), _identity(loaded)
    missing = [name for name in wanted.names if not any(_covers(pattern, name) for pattern in given.names)]
    missing += [str(address) for address in wanted.addresses if address not in given.addresses]
    return f"it is not for {', '.join(missing)}" if missing else None


def read_certificate(path: Path) -> x509.Certificate:
    """The first certificate in a file. Raises CertificateError."""
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except OSError as error:
        raise CertificateError(f"cannot read the certificate {path}: {error.strerror}") from error
    except ValueError as error:
        raise CertificateError(f"{path} is no certificate in PEM form") from error


def _ensure_authority(files: Files, now: datetime) -> tuple[x509.Certificate, Key, str | None]:
    """The authority with its key, and why it was made if it was."""
    if files.authority.exists() != files.authority_key.exists():
        there, missing = files.authority, files.authority_key
        if missing.exists():
            there, missing = missing, there
        raise CertificateError(
            f"{there} is there but {missing} is not: restore it, or remove both for a new authority, "
            "which phones will have to be given"
        )
    reason = "there was none"
    if files.authority.exists():
        authority, key = read_certificate(files.authority), _read_key(files.authority_key)
        if not _belongs(key, authority):
            raise CertificateError(f"{files.authority_key} is not the key of {files.authority}")
        if authority.not_valid_after_utc - now > timedelta(days=RENEW_DAYS):
            return authority, key, None
        reason = f"the old one ends on {authority.not_valid_after_utc:%Y-%m-%d}"
    key = ec.generate_private_key(ec.SECP256R1())
    authority = _make_authority(key, now)
    _write(files.authority_key, _key_pem(key), 0o600)
    _write(files.authority, authority.public_bytes(Encoding.PEM), 0o644)
    return authority, key, reason


def _why_new(files: Files, identity: Identity, authority: x509.Certificate, now: datetime) -> str | None:
    """Why the server needs a new certificate."""
    if not files.certificate.exists() or not files.private_key.exists():
        return "there was none"
    certificate = read_certificate(files.certificate)
    if not _belongs(_read_key(files.private_key), certificate):
        return "the old one has another key"
    try:
        certificate.verify_directly_issued_by(authority)
    except Exception:
        return "the old one is of another authority"
    if certificate.not_valid_after_utc - now < timedelta(days=RENEW_DAYS):
        return f"the old one ends on {certificate.not_valid_after_utc:%Y-%m-%d}"
    given = _identity(certificate)
    missing = [*identity.names, *map(str, identity.addresses)]
    missing = [name for name in missing if name not in (*given.names, *map(str, given.addresses))]
    return f"the old one is not for {', '.join(missing)}" if missing else None


def _make_authority(key: Key, now: datetime) -> x509.Certificate:
    # A name of its own, so that a phone which knows two of our authorities can tell them apart.
    common_name = f"Gorizont authority {secrets.token_hex(4)} of {socket.gethostname()}"[:LONGEST_NAME]
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _sign(
    identity: Identity, key: Key, authority: x509.Certificate, authority_key: Key, now: datetime
) -> x509.Certificate:
    alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in identity.names]
    alternatives += [x509.IPAddress(address) for address in identity.addresses]
    common_name = (identity.names or ("Gorizont",))[0][:LONGEST_NAME]
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)]))
        .issuer_name(authority.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(min(now + timedelta(days=SERVER_DAYS), authority.not_valid_after_utc))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        # A client too: the server connects to phones that listen for TLS.
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _identity(certificate: x509.Certificate) -> Identity:
    """Whom a certificate is for; only alternative names count (RFC 9525 §2)."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return Identity((), ())
    addresses = names.get_values_for_type(x509.IPAddress)
    return Identity(
        tuple(name.lower() for name in names.get_values_for_type(x509.DNSName)),
        tuple(address for address in addresses if isinstance(address, IPAddress)),
    )


def _covers(pattern: str, name: str) -> bool:
    """Whether a certificate for `pattern` is one for `name`; `*` stands for the first label (RFC 9525 §6.3)."""
    return pattern == name or (pattern.startswith("*.") and pattern[2:] == name.partition(".")[2])


def _belongs(key: Key, certificate: x509.Certificate) -> bool:
    return key.public_key() == certificate.public_key()


def _read_key(path: Path) -> Key:
    """Raises CertificateError."""
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise CertificateError(f"cannot read the key {path}: {error.strerror}") from error
    except (ValueError, TypeError) as error:
        raise CertificateError(f"{path} is no private key in PEM form without a passphrase") from error
    if not hasattr(key, "sign"):
        raise CertificateError(f"{path} is of a kind that cannot sign")
    return cast(Key, key)


def _key_pem(key: Key) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(path: Path, octets: bytes, mode: int) -> None:
    """Puts a file in place whole, or not at all."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(handle)
        draft.rename(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()
