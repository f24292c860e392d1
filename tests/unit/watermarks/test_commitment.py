"""The promise: RFC 6962's tree with its published vectors, proofs that hold, and keys that were not promised."""

from hashlib import sha256

import pytest

from gateway.watermarks.commitment import DECOYS, EpochKeys, decoy_name, inclusion_proof, is_included, merkle_root
from gateway.watermarks.keys import seed_of

LEAVES = [
    bytes.fromhex(leaf)
    for leaf in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
KEYS = EpochKeys(b"a" * 32, b"d" * 32, decoys=50)


@pytest.mark.parametrize("size", ROOTS)
def test_the_tree_is_that_of_certificate_transparency(size):
    assert merkle_root(LEAVES[:size]).hex() == ROOTS[size]


def test_the_tree_of_nothing_is_the_hash_of_nothing():
    assert merkle_root([]) == sha256(b"").digest()


@pytest.mark.parametrize("size", range(1, 20))
def test_each_leaf_proves_its_place_and_no_other(size):
    leaves = [bytes([n]) for n in range(size)]
    root = merkle_root(leaves)
    for index in range(size):
        proof = inclusion_proof(leaves, index)
        assert is_included(leaves[index], index, size, proof, root)
        assert not is_included(b"other", index, size, proof, root)
        assert not is_included(leaves[index], index, size, [*proof, b"x" * 32], root)
        assert not is_included(leaves[index], index, size, proof[1:], root) or not proof
        assert not any(is_included(leaves[index], at, size, proof, root) for at in range(size) if at != index)
    assert not is_included(leaves[0], size, size, [], root)
    with pytest.raises(IndexError):
        inclusion_proof(leaves, size)


def test_a_node_does_not_pass_for_a_leaf():
    inner = sha256(b"\x00" + b"a").digest() + sha256(b"\x00" + b"b").digest()
    assert merkle_root([inner]) != merkle_root([b"a", b"b"])


def test_promised_keys_match_and_no_others():
    promised = KEYS.commitment()
    assert KEYS.check(promised) == "verified"
    assert KEYS.check(None) == "not_given"
    assert KEYS.check(b"") == "mismatch"
    assert EpochKeys(b"b" * 32, b"d" * 32, decoys=50).check(promised) == "mismatch"
    assert EpochKeys(b"a" * 32, b"e" * 32, decoys=50).check(promised) == "mismatch"
    assert EpochKeys(b"a" * 32, b"d" * 32, decoys=51).check(promised) == "mismatch"


def test_one_decoy_can_be_shown_without_the_others():
    leaves = KEYS.leaves()
    shown = KEYS.decoy_seeds()[7]
    assert shown == seed_of(b"d" * 32, decoy_name(7))
    proof = inclusion_proof(leaves, 8)
    assert is_included(leaves[8], 8, 51, proof, KEYS.commitment())


def test_no_leaf_is_a_secret_and_none_is_repeated():
    leaves = KEYS.leaves()
    assert len(set(leaves)) == 51
    assert not {KEYS.codeword_root, KEYS.decoy_root, *KEYS.decoy_seeds()} & set(leaves)


def test_a_whole_epoch_has_ten_thousand_decoys():
    whole = EpochKeys(b"a" * 32, b"d" * 32)
    assert len(whole.leaves()) == DECOYS + 1 == 10_001
    assert whole.commitment().hex() == "9a6e6ca0cd9d5a6c9222ade38004f13f03b9b4e7db395c5e63a06ec8c6360f46"


def test_accounts_and_decoys_never_share_a_root():
    with pytest.raises(ValueError, match="different roots"):
        EpochKeys(b"a" * 32, b"a" * 32)
    with pytest.raises(ValueError, match="decoys"):
        EpochKeys(b"a" * 32, b"d" * 32, decoys=0)


def test_epoch_keys_show_in_no_repr():
    assert "aaaa" not in repr(KEYS)
    assert "dddd" not in repr(KEYS)
