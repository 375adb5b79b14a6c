"""Passwords: how they are made, and how they are kept so that the database alone does not reveal one.

Digest authentication needs a phone's password as it is, so it is sealed with AES-GCM under a key that
lies in a file of its own. The name of the device is part of the seal: a sealed password that somebody
copied to another device does not open. A person's password for the web is only ever compared, so of
that an argon2 hash is kept.
"""

import hmac
import os
import secrets
from pathlib import Path

from argon2 import PasswordHasher
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pbx.directory.errors import SecretsError

KEY_OCTETS = 32
NONCE_OCTETS = 12  # NIST SP 800-38D §8.2: the length that AES-GCM is made for

# Lower case letters and digits that cannot be mistaken for one another on paper or on a desk phone's
# display (no 0 o, 1 l i): nearly 5 bits each, and no shift key on the way.
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
PASSWORD_LENGTH = 17  # 84 bits


def generate_password() -> str:
    """A password for a phone or a person that nobody guesses."""
    return "".join(secrets.choice(ALPHABET) for _ in range(PASSWORD_LENGTH))


def hash_password(password: str) -> str:
    """The argon2id hash of a person's password. Takes a tenth of a second, so never in a transaction."""
    return PasswordHasher().hash(password)


class SecretBox:
    """Seals the passwords of phones, and opens them again.

    Args:
        key: 32 random octets.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_OCTETS:
            raise SecretsError(f"a storage key has {KEY_OCTETS} octets, this one has {len(key)}")
        self._key = key
        self._cipher = AESGCM(key)

    @classmethod
    def open(cls, path: Path) -> "SecretBox":
        """The box with the key in `path`. Raises SecretsError."""
        try:
            return cls(path.read_bytes())
        except OSError as error:
            raise SecretsError(f"cannot read the storage key {path}: {error.strerror}") from error

    @classmethod
    def open_or_create(cls, path: Path) -> "SecretBox":
        """The box with the key in `path`, which is made, for its owner alone, if it is missing.

        Two programs that start together agree on one key. Raises SecretsError.
        """
        if not path.exists():
            draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
            try:
                handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(handle, "wb") as file:
                    file.write(secrets.token_bytes(KEY_OCTETS))
                    file.flush()
                    os.fsync(handle)
                # A link never replaces a file that is there, and shows it only whole.
                os.link(draft, path)
            except FileExistsError:
                pass  # another program was first: its key is the key
            except OSError as error:
                raise SecretsError(f"cannot write the storage key {path}: {error.strerror}") from error
            finally:
                draft.unlink(missing_ok=True)
        return cls.open(path)

    def derive(self, purpose: str) -> bytes:
        """A key for something else, which tells nothing about this one."""
        return hmac.digest(self._key, purpose.encode(), "sha256")

    def seal(self, sip_name: str, password: str) -> bytes:
        """The password of a device as the database keeps it."""
        nonce = os.urandom(NONCE_OCTETS)
        return nonce + self._cipher.encrypt(nonce, password.encode(), sip_name.encode())

    def unseal(self, sip_name: str, sealed: bytes) -> str:
        """The password of a device. Raises SecretsError when key, name or octets are not the ones."""
        try:
            opened = self._cipher.decrypt(sealed[:NONCE_OCTETS], sealed[NONCE_OCTETS:], sip_name.encode())
        except (InvalidTag, ValueError) as error:
            raise SecretsError(
                f"the password of device {sip_name} does not open: the storage key is not the one "
                "that this database was written with"
            ) from error
        return opened.decode()
