"""Passwords are hard to guess, easy to type, and closed in the database."""

import math
import stat
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from pbx.directory.errors import SecretsError
from pbx.directory.secrets import (
    ALPHABET,
    PASSWORD_LENGTH,
    SecretBox,
    generate_password,
    hash_password,
)


def test_generated_passwords_have_eighty_bits() -> None:
    assert math.log2(len(ALPHABET)) * PASSWORD_LENGTH >= 80
    assert len(set(ALPHABET)) == len(ALPHABET)
    made = {generate_password() for _ in range(200)}
    assert len(made) == 200
    assert {len(password) for password in made} == {PASSWORD_LENGTH}
    assert set("".join(made)) == set(ALPHABET)


def test_alphabet_has_no_lookalikes_and_no_capitals() -> None:
    assert not set(ALPHABET) & set("0o1il")
    assert ALPHABET.lower() == ALPHABET


def test_sealed_password_opens_again_and_is_not_in_the_seal(box: SecretBox) -> None:
    sealed = box.seal("101", "pässword-of-anna")
    assert b"password" not in sealed
    assert "pässword-of-anna".encode() not in sealed
    assert box.unseal("101", sealed) == "pässword-of-anna"


def test_equal_passwords_are_sealed_differently(box: SecretBox) -> None:
    assert box.seal("101", "same") != box.seal("101", "same")


@pytest.mark.parametrize("length", [0, 11, 12, 27, -1])
def test_cut_seal_does_not_open(box: SecretBox, length: int) -> None:
    with pytest.raises(SecretsError, match="password of device 101 does not open"):
        box.unseal("101", box.seal("101", "secret")[:length])


def test_changed_seal_does_not_open(box: SecretBox) -> None:
    sealed = box.seal("101", "secret")
    for index, octet in enumerate(sealed):
        with pytest.raises(SecretsError, match="password of device 101 does not open"):
            box.unseal("101", sealed[:index] + bytes([octet ^ 1]) + sealed[index + 1 :])


def test_seal_copied_to_another_device_does_not_open(box: SecretBox) -> None:
    with pytest.raises(SecretsError, match="password of device 102 does not open"):
        box.unseal("102", box.seal("101", "secret"))


def test_other_key_does_not_open_and_the_message_has_no_secret(box: SecretBox) -> None:
    with pytest.raises(SecretsError, match="the storage key is not the one") as caught:
        SecretBox(bytes(32)).unseal("101", box.seal("101", "topsecret"))
    assert "topsecret" not in str(caught.value)


def test_key_file_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "storage.key"
    sealed = SecretBox.open_or_create(path).seal("101", "secret")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_bytes()) == 32
    assert SecretBox.open_or_create(path).unseal("101", sealed) == "secret"
    assert SecretBox.open(path).unseal("101", sealed) == "secret"
    assert list(tmp_path.iterdir()) == [path]


def test_key_that_another_program_made_meanwhile_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "storage.key"
    SecretBox.open_or_create(path)
    key = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "exists", lambda _: False)  # as it was when this program looked
        SecretBox.open_or_create(path)
    assert path.read_bytes() == key
    assert list(tmp_path.iterdir()) == [path]


def test_key_that_is_missing_or_cut_is_said_by_path(tmp_path: Path) -> None:
    with pytest.raises(SecretsError, match=r"cannot read the storage key .*/storage.key: No such file"):
        SecretBox.open(tmp_path / "storage.key")
    (tmp_path / "storage.key").write_bytes(b"short")
    with pytest.raises(SecretsError, match="a storage key has 32 octets, this one has 5"):
        SecretBox.open(tmp_path / "storage.key")
    with pytest.raises(SecretsError, match=r"cannot write the storage key"):
        SecretBox.open_or_create(tmp_path / "none" / "storage.key")


def test_web_password_is_kept_as_an_argon2_hash() -> None:
    hashed = hash_password("correct horse")
    assert hashed.startswith("$argon2id$")
    assert "horse" not in hashed
    assert PasswordHasher().verify(hashed, "correct horse")
