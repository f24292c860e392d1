"""Receipts against any claims and any forgery: what was signed comes back, and nothing else ever does."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.receipts import base64url
from gateway.receipts.claims import Claims, digest_of
from gateway.receipts.jwks import jwks, read_jwks
from gateway.receipts.jws import Ed25519Signer, NotGenuine, key_name, verify
from gateway.receipts.store import receipt_of
from tests.support.receipts import KID, PUBLIC, SEED

KEYS = {KID: PUBLIC}
SIGNER = Ed25519Signer(KID, SEED)
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
CLAIMS = st.builds(
    Claims, id=TEXT, account=TEXT, model=TEXT, issued_at=st.integers(0, 1 << 53), digest=st.binary().map(digest_of),
    over=st.sampled_from(["body", "stream"]),
)  # fmt: skip
GENUINE = SIGNER.sign(Claims("req-1", "acme", "m", 1, digest_of(b""), "body").payload())
PART = st.one_of(st.binary(max_size=80).map(base64url.encode), st.sampled_from(GENUINE.split(".")), st.text(max_size=8))


@given(CLAIMS)
def test_what_was_signed_comes_back(claims):
    jws = SIGNER.sign(claims.payload())
    assert verify(jws, KEYS) == claims
    assert receipt_of(jws).claims == claims
    assert jws.isascii()
    assert not any(letter.isspace() for letter in jws), "it stands in a header and on a line of a stream"


@given(st.one_of(st.text(), st.lists(PART, max_size=5).map(".".join)))
def test_nothing_else_is_ever_genuine(jws):
    if jws == GENUINE:
        return
    with pytest.raises(NotGenuine):
        verify(jws, KEYS)


@given(st.one_of(st.text(), st.lists(PART, min_size=3, max_size=3).map(".".join)))
def test_the_key_name_of_anything(jws):
    with suppress(NotGenuine):
        assert isinstance(key_name(jws), str)


@given(st.binary(max_size=200), st.integers(0, 199), st.integers(1, 255))
def test_bytes_of_a_signature_cannot_be_moved_to_other_claims(payload, place, change):
    jws = SIGNER.sign(payload)
    head, body, signature = jws.split(".")
    other = bytearray(payload or b"x")
    other[place % len(other)] ^= change
    with pytest.raises(NotGenuine):
        verify(f"{head}.{base64url.encode(bytes(other))}.{signature}", KEYS)
    with pytest.raises(NotGenuine):
        verify(f"{head}.{body}.{signature[:-2]}", KEYS)


@given(st.dictionaries(TEXT, st.binary(min_size=32, max_size=32), max_size=5))
def test_key_sets_come_back(keys):
    assert read_jwks(json.dumps(jwks(keys)).encode()) == keys


@given(st.binary(max_size=60))
def test_base64url_comes_back(data):
    assert base64url.decode(base64url.encode(data)) == data
