"""Public GRUUs: a URI for one phone of a number, good from anywhere (RFC 5627).

They follow from number and instance, so they need no memory and hold over restarts. Temporary ones, which
hide the number, are not granted: we are a party to every call and hide it ourselves.
"""

from urllib.parse import quote

from sip.uri import SipUri, unescape

_PLAIN = "-_.!~*'()[]/:&+$"  # RFC 3261 §25.1 param-unreserved and unreserved


def public_gruu(number: str, domain: str, instance: str) -> str:
    """The GRUU of the phone with this `+sip.instance` (§5.2); `instance` is `<urn:…>`."""
    return f"sip:{number}@{domain};gr={quote(instance.strip('<>'), safe=_PLAIN, encoding='latin-1')}"


def instance_of(uri: SipUri) -> str | None:
    """The instance that a public GRUU names, None for another URI."""
    value = uri.params.get("gr")
    return f"<{unescape(value)}>" if value else None
