import json

import pytest

from gateway.receipts.jwks import jwks, read_jwks
from tests.support.receipts import KID, PUBLIC

X = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"


def test_a_public_key_is_written_as_in_rfc_8037():
    """Appendix A.2, with the names that say what the key is for."""
    entry = {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": KID, "x": X}
    assert jwks({KID: PUBLIC}) == {"keys": [entry]}


def test_it_is_read_back_whatever_else_is_in_the_set():
    mine = {"a": PUBLIC, "b": bytes(32)}
    others = [{"kty": "RSA", "kid": "c"}, {"kty": "OKP", "crv": "X25519", "kid": "d", "x": X}, 7]
    document = {"keys": [*others, *jwks(mine)["keys"]], "more": True}
    assert read_jwks(json.dumps(document).encode()) == mine


def entry(**change):
    return {"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": X, **change}


@pytest.mark.parametrize(
    "document",
    [
        [], {}, {"keys": {}}, {"keys": [{}] * 1001}, {"keys": [entry(kid=1)]}, {"keys": [entry(x=None)]},
        {"keys": [entry(x=X[:-2])]}, {"keys": [entry(x="é")]}, {"keys": [entry(), entry()]},
    ],
    ids=range(9),
)  # fmt: skip
def test_what_is_no_set(document):
    with pytest.raises(ValueError):
        read_jwks(json.dumps(document).encode())


def test_what_is_no_json():
    with pytest.raises(ValueError, match="not JSON"):
        read_jwks(b"{")
