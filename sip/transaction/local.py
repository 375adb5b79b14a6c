"""Final responses that no peer has sent."""

from sip.message import Request, Response, respond


class LocalResponse(Response):
    """A final response that no peer sent: 408 for a time-out, 503 for a lost flow (RFC 3261 §8.1.3.1)."""

    __slots__ = ()


def local_response(request: Request, status: int) -> LocalResponse:
    """The answer of our own making to a request of ours."""
    made = respond(request, status)
    response = LocalResponse(status, None, made.headers)
    response.call_id, response.cseq = request.call_id, request.cseq
    response.from_tag = request.from_tag
    return response
