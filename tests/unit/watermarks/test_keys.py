"""Keys: RFC 5869's own vectors, frozen vectors of ours, and no two purposes that share a key."""

from itertools import product

import pytest

from gateway.watermarks.keys import KeyPath, Master, framed, hkdf, seed_of

MASTER = Master(bytes(range(32)))
PATH = KeyPath("codeword", 1, "gemma-3", "2026-q4", "account")


@pytest.mark.parametrize(
    ("secret", "salt", "info", "expected"),
    [
        (
            "0b" * 22,
            "000102030405060708090a0b0c",
            "f0f1f2f3f4f5f6f7f8f9",
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
        ),
        (
            "0b" * 22,
            "",
            "",
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
        ),
    ],
    ids=["case 1", "case 3"],
)
def test_hkdf_gives_the_vectors_of_the_rfc(secret, salt, info, expected):
    out = hkdf(bytes.fromhex(secret), bytes.fromhex(salt), bytes.fromhex(info), 42)
    assert out.hex() == expected


def test_hkdf_ends_where_the_rfc_ends_it():
    assert len(hkdf(b"k", b"", b"", 255 * 32)) == 255 * 32
    with pytest.raises(ValueError, match="255"):
        hkdf(b"k", b"", b"", 255 * 32 + 1)


def test_every_field_of_a_path_changes_the_key():
    paths = [
        KeyPath(*fields)
        for fields in product(
            ("bucket", "codeword", "decoy", "registry", "receipt"),
            (1, 2),
            ("a", "ab"),
            ("e1", "e2"),
            ("provider", "cluster", "account"),
        )
    ]
    assert len({MASTER.root(path) for path in paths}) == len(paths) == 120


def test_a_character_cannot_move_from_one_field_to_the_next():
    one = KeyPath("codeword", 1, "ab", "c", "account")
    other = KeyPath("codeword", 1, "a", "bc", "account")
    assert MASTER.root(one) != MASTER.root(other)
    assert framed(b"ab") + framed(b"c") != framed(b"a") + framed(b"bc")


def test_another_master_gives_other_keys():
    assert Master(bytes(32)).root(PATH) != MASTER.root(PATH)


def test_seeds_differ_by_account_and_by_roll():
    root = MASTER.root(PATH)
    seeds = {seed_of(root, account, roll) for account in ("a", "b", "a1") for roll in (0, 1, 2)}
    assert len(seeds) == 9
    with pytest.raises(ValueError, match="count"):
        seed_of(root, "a", -1)


def test_the_derivation_is_frozen():
    """A change here makes every mark ever issued undetectable: it is a new scheme version, never an edit."""
    root = MASTER.root(PATH)
    assert root.hex() == "b3e0ef3634e9242264870c739682b82b76e05745ac4ff095ace3557b899b2d42"
    assert seed_of(root, "acct_7").hex() == "6b30d23341cab991452a42d29b8a4ece50f107ad53528f4fd5fea47a52655cef"
    assert seed_of(root, "acct_7", 1).hex() == "e1f47cb06cb87272e9e64a7501bac2300a82d2bc613b2805e9552b81f6b64f49"


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_a_master_has_256_bits(length):
    with pytest.raises(ValueError, match="32 bytes"):
        Master(bytes(length))


def test_a_master_shows_in_no_repr():
    assert repr(Master(b"x" * 32)) == "Master()"
