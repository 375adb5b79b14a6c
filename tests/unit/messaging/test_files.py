"""Octets on disk, names and types of files, and pictures that mean harm."""

import contextlib
import io
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from messaging import thumbnails
from messaging.errors import FileGone, NotFound, OutOfRange, TooMuch
from messaging.file_types import INLINE, clean_name, guess_type
from messaging.files import FileStore
from messaging.thumbnails import LONGEST_SIDE, make_thumbnail

ID = "abcdefghijklmnopqrstuvwx"


@pytest.fixture
def files(tmp_path: Path) -> FileStore:
    files = FileStore(tmp_path / "files")
    files.create(ID)
    return files


def test_upload_goes_on_where_it_stopped(files: FileStore) -> None:
    assert files.append(ID, 0, [b"one ", b"two "], size=13) == 8
    assert files.received(ID) == 8
    assert files.append(ID, 8, [b"three"], size=13) == 13
    with files.open(ID) as handle:
        assert handle.read() == b"one two three"
    assert files.beginning(ID, 3) == b"one"


def test_what_came_before_a_break_stays(files: FileStore) -> None:
    def broken() -> object:
        yield b"half"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        files.append(ID, 0, broken(), size=100)  # type: ignore[arg-type]
    assert files.received(ID) == 4


def test_wrong_offset_and_too_many_octets_are_refused(files: FileStore) -> None:
    files.append(ID, 0, [b"12345"], size=8)
    with pytest.raises(OutOfRange) as caught:
        files.append(ID, 3, [b"x"], size=8)
    assert caught.value.offset == 5
    with pytest.raises(TooMuch, match="announced with 8 octets"):
        files.append(ID, 5, [b"678", b"9"], size=8)
    assert files.received(ID) == 8


def test_second_request_for_the_same_upload_is_refused_while_the_first_writes(files: FileStore) -> None:
    def during() -> object:
        yield b"12"
        with pytest.raises(OutOfRange):
            files.append(ID, 2, [b"x"], size=9)
        yield b"34"

    assert files.append(ID, 0, during(), size=9) == 4  # type: ignore[arg-type]


class NearlyFull(io.BytesIO):
    """A file on a disk that takes three octets at a time."""

    def write(self, octets: Any) -> int:
        return super().write(bytes(octets[:3]))


def test_what_is_said_to_be_there_is_there_on_a_disk_that_takes_parts(
    files: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = NearlyFull()
    monkeypatch.setattr(files, "_alone", lambda _: contextlib.nullcontext(disk))
    assert files.append(ID, 0, [b"0123456789"], size=10) == 10
    assert disk.getvalue() == b"0123456789"


def test_files_are_for_the_owner_of_the_server_alone(files: FileStore) -> None:
    path = files.path(ID)
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


@pytest.mark.parametrize(
    "forged", ["", "../../../etc/passwd", "a/b", "x" * 33, "short", "abcdefghijklmnopq\n", "ф" * 20]
)
def test_forged_id_is_no_path(files: FileStore, forged: str) -> None:
    with pytest.raises(NotFound):
        files.path(forged)


def test_removed_file_is_gone_and_removing_again_is_no_error(files: FileStore) -> None:
    for _ in range(2):
        files.remove(ID)
    for use in (files.open, files.received, lambda one: files.append(one, 0, [b"x"], size=1)):
        with pytest.raises(FileGone):
            use(ID)


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("report.pdf", "report.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\evil.exe", "evil.exe"),
        ("invoice\u202egpj.exe", "invoicegpj.exe"),  # which would read as exe.jpg
        ("a\r\nSet-Cookie: x=1\r\n.txt", "aSet-Cookie: x=1.txt"),
        ("\x00\x01", "file"),
        ("", "file"),
        ("..", "file"),
        ("  .hidden ", "hidden"),
        ("zero\u200bwidth.txt", "zerowidth.txt"),
        ("\ud800.txt", "?.txt"),
        ('<img src=x onerror="alert(1)">.html', '<img src=x onerror="alert(1)">.html'),
        ("отчёт.docx", "отчёт.docx"),
        ("x" * 400 + ".tar.gz", "x" * 252 + ".gz"),
    ],
)
def test_name_is_made_harmless(name: str, clean: str) -> None:
    assert clean_name(name) == clean


@pytest.mark.parametrize(
    ("name", "beginning", "kind"),
    [
        ("a.png", b"\x89PNG\r\n\x1a\n....", "image/png"),
        ("page.html", b"\x89PNG\r\n\x1a\n<script>", "image/png"),
        ("a.jpg", b"<html><script>alert(1)</script>", "application/octet-stream"),
        ("a.html", b"<html>", "text/html"),
        ("a.svg", b"<svg onload='alert(1)'>", "image/svg+xml"),
        ("a.webp", b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        ("a.wav", b"RIFF\x00\x00\x00\x00WAVEfmt ", "audio/wav"),
        ("a.mp4", b"\x00\x00\x00\x18ftypisom", "video/mp4"),
        ("a.m4a", b"\x00\x00\x00\x18ftypM4A ", "audio/mp4"),
        ("a.webm", b"\x1a\x45\xdf\xa3\x01\x00\x00\x00\x00\x00\x00\x1f\x42\x82\x84webm", "video/webm"),
        ("a.mkv", b"\x1a\x45\xdf\xa3\x01\x00\x00\x00\x00\x00\x00\x1f\x42\x82\x84matroska", "video/x-matroska"),
        ("a.mp4", b"not a film", "application/octet-stream"),
        ("a.pdf", b"%PDF-1.7", "application/pdf"),
        ("a", b"", "application/octet-stream"),
    ],
)
def test_type_is_what_the_octets_say(name: str, beginning: bytes, kind: str) -> None:
    assert guess_type(name, beginning) == kind


def test_nothing_active_is_shown() -> None:
    active = {"text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "application/pdf", "text/javascript"}
    assert not INLINE & active


def picture(kind: str, size: tuple[int, int], **options: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (0, 90, 90)).save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
def test_thumbnail_is_small_and_the_size_is_that_of_the_picture(files: FileStore, kind: str) -> None:
    files.append(ID, 0, [picture(kind, (1200, 300))], size=1 << 20)
    assert make_thumbnail(files.path(ID), files.thumbnail(ID)) == (1200, 300)
    with Image.open(files.thumbnail(ID)) as small:
        assert (small.format, small.size) == ("WEBP", (LONGEST_SIDE, LONGEST_SIDE // 4))


def test_photo_that_lies_on_its_side_is_turned_and_tells_no_place(files: FileStore) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # Orientation: turned by 90 degrees
    exif[0x8825] = {1: "N", 2: (55.0, 45.0, 0.0)}  # GPS
    files.append(ID, 0, [picture("JPEG", (400, 200), exif=exif)], size=1 << 20)
    assert make_thumbnail(files.path(ID), files.thumbnail(ID)) == (200, 400)
    with Image.open(files.thumbnail(ID)) as small:
        assert small.size == (200, 400)
        assert 0x8825 not in small.getexif()


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few octets that claims to be large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    "content",
    [
        bomb(30_000, 30_000),
        bomb(2_000_000_000, 2_000_000_000),
        bomb(8000, 8000),
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a" + bytes(20),
        b"\xff\xd8\xff\xe0" + bytes(100),
        picture("PNG", (500, 500))[:-200],
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
        b"",
    ],
    ids=["bomb", "huge bomb", "small bomb", "PNG", "GIF", "JPEG", "truncated", "PostScript", "empty"],
)
def test_picture_that_means_harm_has_no_thumbnail(files: FileStore, content: bytes) -> None:
    files.append(ID, 0, [content], size=1 << 20)
    assert make_thumbnail(files.path(ID), files.thumbnail(ID)) is None
    assert not files.thumbnail(ID).exists()


def test_picture_that_would_keep_the_worker_for_long_is_given_up(
    files: FileStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    files.path(ID).write_bytes(jpeg_of_many_scans(50_000))
    monkeypatch.setattr(thumbnails, "PATIENCE", 0.05)
    assert make_thumbnail(files.path(ID), files.thumbnail(ID)) is None
    assert "TakesTooLong" in caplog.text
    assert not files.thumbnail(ID).exists()


def jpeg_of_many_scans(scans: int) -> bytes:
    """A progressive JPEG of 1000 x 1000 pixels whose scans say that there is nothing, each for all blocks."""

    def segment(marker: int, content: bytes) -> bytes:
        return bytes((0xFF, marker)) + struct.pack(">H", len(content) + 2) + content

    def bits(text: str) -> bytes:
        text += "1" * (-len(text) % 8)
        return int(text, 2).to_bytes(len(text) // 8, "big").replace(b"\xff", b"\xff\0")

    one_code = bytes([1, *[0] * 15])
    return (
        b"\xff\xd8"
        + segment(0xDB, bytes([0, *[1] * 64]))
        + segment(0xC2, struct.pack(">BHHB", 8, 1000, 1000, 1) + b"\1\x11\0")
        + segment(0xC4, b"\x00" + one_code + b"\0")
        + segment(0xC4, b"\x10" + one_code + b"\xe0")  # a run of 2^14 blocks and more without coefficients
        + segment(0xDA, b"\1\1\0\0\0\0")
        + bits("0" * 125**2)
        + (segment(0xDA, b"\1\1\0\1\x3f\0") + bits("0" + "1" * 14)) * scans
        + b"\xff\xd9"
    )


def test_thumbnail_that_was_broken_off_goes_with_its_picture(files: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (900, 300)).save(files.path(ID), "PNG")
    monkeypatch.setattr(os, "replace", _killed)
    with pytest.raises(KeyboardInterrupt):
        make_thumbnail(files.path(ID), files.thumbnail(ID))
    files.remove(ID)
    assert [one for one in files.root.rglob("*") if one.is_file()] == []


def _killed(*_: object) -> None:
    raise KeyboardInterrupt
