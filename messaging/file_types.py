"""What a file is, by its octets; and names of files that do no harm.

Nothing that a browser could take for a page or a program is ever shown from our origin, whatever its
name or its owner says: only the types in INLINE are shown, and only when the octets say so.
"""

import mimetypes
import unicodedata
from pathlib import PurePosixPath

from messaging.models import FILE_NAME_LENGTH

UNKNOWN = "application/octet-stream"
THUMBNAILED = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
INLINE = THUMBNAILED | {
    "image/avif",
    "video/mp4",
    "video/webm",
    "audio/mpeg",
    "audio/mp4",
    "audio/ogg",
    "audio/wav",
    "audio/flac",
}
BEGINNING = 64  # octets that `guess_type` needs

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\xff\xf2", "audio/mpeg"),
)
# The major brand of an ISO base media file (ISO 14496-12 §4.3).
_BRANDS = {b"avif": "image/avif", b"avis": "image/avif", b"M4A ": "audio/mp4", b"M4B ": "audio/mp4"}
_VIDEO_BRANDS = (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V ", b"dash", b"MSNV")
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}


def guess_type(name: str, beginning: bytes) -> str:
    """The media type of a file: by its first octets where they tell, else what its name suggests.

    A name alone never makes a type of INLINE.
    """
    seen = _by_octets(beginning)
    if seen is not None:
        return seen
    suggested, _ = mimetypes.guess_type(name, strict=True)
    return UNKNOWN if suggested is None or suggested in INLINE else suggested


def _by_octets(beginning: bytes) -> str | None:
    for magic, kind in _MAGIC:
        if beginning.startswith(magic):
            return kind
    if beginning.startswith(b"RIFF"):
        return _RIFF.get(beginning[8:12])
    if beginning[4:8] == b"ftyp":
        brand = beginning[8:12]
        return _BRANDS.get(brand) or ("video/mp4" if brand in _VIDEO_BRANDS else None)
    if beginning.startswith(b"\x1a\x45\xdf\xa3") and b"webm" in beginning[:BEGINNING]:  # EBML, and its DocType
        return "video/webm"
    return None


def clean_name(name: str) -> str:
    """A name to show and to save under: no folders, nothing invisible, not too long, never empty."""
    name = unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode("utf-8"))
    name = PurePosixPath(name.replace("\\", "/")).name
    # Cc and Cf: control characters, and those that turn the direction of writing round ("exe.gpj" for "jpg.exe").
    name = "".join(one for one in name if unicodedata.category(one) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
    name = name.strip().strip(".").strip() or "file"
    if len(name) > FILE_NAME_LENGTH:
        suffix = PurePosixPath(name).suffix[:20]
        name = name[: FILE_NAME_LENGTH - len(suffix)] + suffix
    return name
