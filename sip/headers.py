"""Names of header fields: canonical spelling, compact forms, which may occur only once.

A message keeps its headers as `dict[canonical name, values in order]`: RFC 3261 §7.3.1 gives meaning to the
order of rows with one name, and none to the order between names.
"""

from typing import Final

from sip.errors import ParseError
from sip.grammar import is_token

_KNOWN: Final = """
Accept Accept-Encoding Accept-Language Alert-Info Allow Allow-Events Authentication-Info Authorization Call-ID
Call-Info Contact Content-Disposition Content-Encoding Content-Language Content-Length Content-Type CSeq Date
Diversion Error-Info Event Expires Flow-Timer From History-Info In-Reply-To Max-Forwards MIME-Version Min-Expires
Min-SE Organization P-Asserted-Identity P-Preferred-Identity Path Priority Privacy Proxy-Authenticate
Proxy-Authorization Proxy-Require RAck Reason Record-Route Recv-Info Refer-Sub Refer-To Referred-By Replaces
Reply-To Require Retry-After Route RSeq Server Service-Route Session-Expires SIP-ETag SIP-If-Match Subject
Subscription-State Supported Target-Dialog Timestamp To Unsupported User-Agent Via Warning WWW-Authenticate
""".split()

COMPACT: Final = {
    "a": "Accept-Contact",
    "b": "Referred-By",
    "c": "Content-Type",
    "d": "Request-Disposition",
    "e": "Content-Encoding",
    "f": "From",
    "i": "Call-ID",
    "j": "Reject-Contact",
    "k": "Supported",
    "l": "Content-Length",
    "m": "Contact",
    "o": "Event",
    "r": "Refer-To",
    "s": "Subject",
    "t": "To",
    "u": "Allow-Events",
    "v": "Via",
    "x": "Session-Expires",
    "y": "Identity",
}

# RFC 3261 §7.3.1: more than one row of these is malformed.
SINGLE: Final = frozenset(
    """Call-ID Content-Length Content-Type CSeq Date Event Expires From Max-Forwards MIME-Version Min-Expires Min-SE
    RAck RSeq Refer-To Replaces Session-Expires Subscription-State To""".split()
)

_BY_LOWER: Final = {name.lower(): name for name in _KNOWN} | COMPACT
_MOST_SPELLINGS: Final = 2000

# Spelling as received -> canonical name. Filled as spellings are met, never beyond its limit.
spellings: Final[dict[str, str]] = {
    spelling: name for lower, name in _BY_LOWER.items() for spelling in (name, lower, lower.upper()) if lower
}


def canonical_name(spelling: str) -> str:
    """The canonical name for a header name as received. Raises ParseError when it is no token."""
    name = spellings.get(spelling)
    if name is not None:
        return name
    token = spelling.rstrip(" \t")
    if not is_token(token):
        raise ParseError("malformed header name")
    lowered = token.lower()
    name = _BY_LOWER.get(lowered) or "-".join([part.capitalize() for part in lowered.split("-")])
    if len(spellings) < _MOST_SPELLINGS and len(spelling) < 64:
        spellings[spelling] = name
    return name
