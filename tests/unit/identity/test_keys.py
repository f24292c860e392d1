"""The form of keys: what is made can be read, what is mistyped is seen, nothing crashes."""

import hashlib
import hmac
from zlib import crc32

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.identity import keys

KEY = "sk-ex-0123456789ab_" + "S" * 27


def whole(body: str = KEY) -> str:
    return body + keys.check_digits(body)


def test_a_new_key_reads_back():
    text = keys.new_key()
    parsed = keys.parse(text)
    assert parsed is not None
    assert parsed.intact
    assert len(text) == 52
    assert text == f"sk-ex-{parsed.id}_{parsed.secret.decode()}{text[-6:]}"
    assert keys.new_key() != text


def test_the_secret_has_160_bits():
    assert 62**keys.SECRET_LENGTH >= 2**160
    assert 62**6 >= 2**32, "six digits hold every CRC"


def test_check_digits_are_fixed_for_ever():
    assert keys.check_digits("") == "000000"
    assert keys.check_digits("123456789") == "3jZRME", "0xCBF43926, the check value of CRC-32"
    assert whole()[-6:] == keys.check_digits(KEY)


ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@given(st.text(ALPHABET, min_size=12, max_size=12), st.text(ALPHABET, min_size=27, max_size=27), st.data())
def test_any_single_wrong_character_is_seen(key_id: str, secret: str, data: st.DataObject):
    text = whole(f"sk-ex-{key_id}_{secret}")
    at = data.draw(st.integers(0, len(text) - 1))
    wrong = data.draw(st.characters(exclude_characters=text[at]))
    parsed = keys.parse(text[:at] + wrong + text[at + 1 :])
    assert parsed is None or not parsed.intact


@given(st.text(ALPHABET, min_size=12, max_size=12), st.text(ALPHABET, min_size=27, max_size=27), st.data())
def test_two_swapped_neighbours_are_seen(key_id: str, secret: str, data: st.DataObject):
    text = whole(f"sk-ex-{key_id}_{secret}")
    at = data.draw(st.integers(0, len(text) - 2))
    swapped = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    parsed = keys.parse(swapped)
    assert swapped == text or parsed is None or not parsed.intact


@given(st.text() | st.text("sk-ex_" + ALPHABET, min_size=50, max_size=54).map(lambda text: "sk-ex-" + text[6:]))
def test_random_text_never_crashes(text: str):
    parsed = keys.parse(text)
    assert parsed is None or (len(parsed.id) == 12 and len(parsed.secret) == 27)


@pytest.mark.parametrize(
    "text",
    ["", "sk-ex-", whole()[:-1], whole() + "0", whole().replace("sk-ex-", "sk-EX-"), whole().replace("_", "-"),
     whole().replace("S", "é", 1), whole().replace("S", "_", 1), "\ud800" * 52, "sk-adm-" + "S" * 45],
)  # fmt: skip
def test_other_forms_are_no_keys(text: str):
    assert keys.parse(text) is None


def test_hashes_depend_on_secret_and_pepper_and_secrets_stay_out_of_repr():
    one = keys.digest(b"secret", b"p" * 32)
    assert one == keys.digest(b"secret", b"p" * 32)
    assert len({one, keys.digest(b"secre7", b"p" * 32), keys.digest(b"secret", b"q" * 32)}) == 3
    assert "SSS" not in repr(keys.parse(whole()))
    assert "ppp" not in repr(keys.Pepper("1", b"p" * 32))
    assert keys.fingerprint(b"p" * 32) != keys.fingerprint(b"q" * 32)


@given(st.binary(max_size=80), st.binary(max_size=200))
@example(b"s" * 27, b"p" * 64)
@example(b"s" * 27, b"p" * 65)
def test_a_keys_hash_is_hmac(secret, pepper):
    assert keys.digest(secret, pepper) == hmac.digest(pepper, secret, hashlib.sha256)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_check_digits_are_the_checksum_in_base_62(body):
    value = 0
    for digit in keys.check_digits(body):
        value = value * 62 + ALPHABET.index(digit)
    assert value == crc32(body.encode())
