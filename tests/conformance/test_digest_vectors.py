"""Digest answers against vectors, published in RFC 2617 and RFC 7616 or computed by the rules of RFC 8760."""

import json

import pytest

from sip import digest
from tests.support.shared import VARIABLE, shared_data


def _vectors() -> list[object]:
    path = shared_data("conformance", "digest", "vectors.json")
    if path is None:
        reason = f"the digest vectors of the shared kit are not here; {VARIABLE} may name its folder"
        return [pytest.param({}, marks=pytest.mark.skip(reason=reason), id="vectors")]
    return [pytest.param(vector, id=vector["name"]) for vector in json.loads(path.read_text())["vectors"]]


@pytest.mark.parametrize("vector", _vectors())
def test_answer_and_both_hashes_are_those_of_the_vector(vector: dict[str, str]) -> None:
    algorithm = vector["algorithm"].removesuffix("-sess")
    nonce, nc, cnonce = vector["nonce"], vector.get("nc", ""), vector.get("cnonce", "")
    secret = digest.ha1(algorithm, vector["username"], vector["realm"], vector["password"])
    if vector["algorithm"] != algorithm:
        secret = digest.session_ha1(algorithm, secret, nonce, cnonce)
    method, uri, qop = vector["method"], vector["uri"], vector.get("qop", "")
    if qop == "auth-int":
        asked = digest.ha2_with_body(algorithm, method, uri, vector["body"].encode())
    else:
        asked = digest.ha2(algorithm, method, uri)
    answer = digest.response(algorithm, secret, nonce, asked, qop=qop, nc=nc, cnonce=cnonce)
    assert (secret, asked, answer) == (vector["ha1"], vector["ha2"], vector["response"])
