"""In which language the server's own sentences about calls are wanted."""

from flask import request

from pbx.routing.words import Language


def wanted_language() -> Language:
    """The one that the request's Accept-Language (RFC 9110 §12.5.4) likes best; English where it likes neither.

    Not for threads of the database: there is no request.
    """
    best = request.accept_languages.best_match([language.value for language in Language])
    return Language.ENGLISH if best is None else Language(best)
