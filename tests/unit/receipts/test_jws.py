import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.receipts import base64url
from gateway.receipts.claims import Claims, claims_of, digest_of
from gateway.receipts.jws import MAX_BYTES, Ed25519Signer, NotGenuine, key_name, verify
from tests.support.receipts import KID, PUBLIC, SEED, read

CLAIMS = Claims("req-1", "acme", "sim-small", 1_800_000_000, digest_of(b"hello"), "body")
KEYS = {KID: PUBLIC}


def signed(payload=None, kid=KID):
    return Ed25519Signer(kid, SEED).sign(CLAIMS.payload() if payload is None else payload)


def forged(header, payload=None):
    """A well-signed JWS with a header of the forger's own."""
    head = base64url.encode(json.dumps(header).encode())
    body = base64url.encode(CLAIMS.payload() if payload is None else payload)
    signature = Ed25519PrivateKey.from_private_bytes(SEED).sign(f"{head}.{body}".encode())
    return f"{head}.{body}.{base64url.encode(signature)}"


GOOD = {"alg": "EdDSA", "kid": KID, "typ": "receipt+jwt"}


def test_a_receipt_can_be_read_by_anybody():
    header, claims = read(signed())
    assert header == GOOD
    assert claims == {
        "iss": "excise", "jti": "req-1", "iat": 1_800_000_000, "sub": "acme", "model": "sim-small", "over": "body",
        "digest": "sha-256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824",
    }  # fmt: skip


def test_the_public_key_is_that_of_the_rfc():
    assert Ed25519Signer(KID, SEED).public == PUBLIC


def test_the_signature_is_that_of_rfc_8037():
    """Appendix A.4, whose key is the same as that of RFC 8032's first test."""
    head, payload = b'{"alg":"EdDSA"}', b"Example of Ed25519 signing"
    signer = Ed25519Signer(KID, SEED)
    signer._head = base64url.encode(head) + "."
    jws = signer.sign(payload)
    assert jws.split(".")[2] == "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"


def test_the_same_claims_give_the_same_receipt_and_come_back():
    assert signed() == signed()
    assert verify(signed(), KEYS) == CLAIMS
    assert key_name(signed()) == KID


def test_any_changed_letter_is_noticed():
    jws = signed()
    for place, letter in enumerate(jws):
        other = "B" if letter == "A" else "A"
        with pytest.raises(NotGenuine):
            verify(jws[:place] + other + jws[place + 1 :], KEYS)


def test_another_key_of_the_same_name_did_not_sign_it():
    with pytest.raises(NotGenuine, match="not that key's"):
        verify(signed(), {KID: Ed25519Signer(KID, b"s" * 32).public})


def test_a_key_that_nobody_knows():
    with pytest.raises(NotGenuine, match="none of the public keys"):
        verify(signed(kid="2027-q1"), KEYS)


@pytest.mark.parametrize(
    "header",
    [
        {**GOOD, "alg": "none"}, {**GOOD, "alg": "HS256"}, {**GOOD, "typ": "JWT"}, {**GOOD, "crit": ["x"], "x": 1},
        {**GOOD, "kid": 1}, {"alg": "EdDSA", "kid": KID}, [], "x",
    ],
    ids=str,
)  # fmt: skip
def test_no_header_chooses_how_it_is_checked(header):
    assert verify(forged(GOOD), KEYS) == CLAIMS
    with pytest.raises(NotGenuine):
        verify(forged(header), KEYS)


@pytest.mark.parametrize("jws", ["", "a", "a.b", "..", "a.b.c.d", "é.é.é", "=.=.=", signed() + "\n", signed() + "=",
                                 "a" * (MAX_BYTES + 1)])  # fmt: skip
def test_what_is_no_jws(jws):
    with pytest.raises(NotGenuine):
        verify(jws, KEYS)


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "another"}, {"jti": None}, {"sub": 1}, {"model": None}, {"iat": 1.5}, {"iat": True}, {"over": "half"},
        {"digest": "sha-256:00"}, {"digest": "md5:" + "0" * 64}, {"digest": None},
    ],
    ids=str,
)  # fmt: skip
def test_well_signed_claims_that_are_no_receipts(change):
    document = {**json.loads(CLAIMS.payload()), **change}
    payload = json.dumps({name: value for name, value in document.items() if value is not None}).encode()
    with pytest.raises(NotGenuine):
        verify(signed(payload), KEYS)


@pytest.mark.parametrize("payload", [b"", b"[]", b"{", b'{"iss":"excise"}', b" " * 5000], ids=len)
def test_payloads_that_are_no_claims(payload):
    with pytest.raises(ValueError):
        claims_of(payload)


def test_claims_of_a_later_version_are_read():
    document = {**json.loads(CLAIMS.payload()), "more": 1}
    assert claims_of(json.dumps(document).encode()) == CLAIMS


@pytest.mark.parametrize("seed", [b"", b"s" * 31, b"s" * 33])
def test_a_seed_has_32_bytes(seed):
    with pytest.raises(ValueError, match="32 bytes"):
        Ed25519Signer(KID, seed)


@pytest.mark.parametrize("data", [b"", b"a", b"ab", b"abc", b"\xff\xfe\xfd\xfc", bytes(range(256))], ids=len)
def test_base64url_both_ways(data):
    text = base64url.encode(data)
    assert base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)) == data
    assert base64url.decode(text) == data


@pytest.mark.parametrize("text", ["A", "AB", "AAB", "AA==", "A+A/", "AA A", "AA\n", "é"])
def test_base64url_has_one_spelling(text):
    with pytest.raises(ValueError):
        base64url.decode(text)


def test_what_is_signed_as_something_else_is_no_receipt():
    """The same key, and the payload of a receipt: the type alone tells them apart."""
    other = Ed25519Signer(KID, SEED, "evidence+jwt").sign(CLAIMS.payload())
    assert read(other)[0] == {**GOOD, "typ": "evidence+jwt"}
    assert verify(signed(), KEYS) == CLAIMS
    with pytest.raises(NotGenuine, match="another algorithm or type"):
        verify(other, KEYS)
