"""Epochs in time, and the promise of each: what is written is read back, and nothing else passes for it."""

import json

import pytest

from gateway.watermarks import epochs
from gateway.watermarks.commitment import DECOYS
from gateway.watermarks.epochs import (
    BadCommitment,
    Epoch,
    check,
    commitment_for,
    commitment_path,
    epoch_after,
    epoch_at,
    epoch_keys,
    read_commitment,
    write_commitment,
)
from gateway.watermarks.keys import Master

MASTER = Master(b"m" * 32)
TABLE = "7" * 64
NOW = 1_800_000_000_000
AUTUMN, WINTER, LATE = Epoch("a", 100, 200), Epoch("b", 190, 300), Epoch("c", 310, 400)
ALL = (AUTUMN, WINTER, LATE)


@pytest.fixture(scope="module")
def made():
    return commitment_for(MASTER, "2026-q4", "gemma-3", TABLE, NOW)


@pytest.fixture
def path(tmp_path):
    return commitment_path(tmp_path / "marks", "2026-q4", "gemma-3")


@pytest.mark.parametrize(
    ("now", "at", "after"),
    [(99, None, AUTUMN), (100, AUTUMN, WINTER), (189, AUTUMN, WINTER), (190, WINTER, LATE), (199, WINTER, LATE),
     (299, WINTER, LATE), (300, None, LATE), (310, LATE, None), (400, None, None)],
)  # fmt: skip
def test_the_epoch_that_began_last_is_in_use(now, at, after):
    assert epoch_at(ALL, now) == at
    assert epoch_at(reversed(ALL), now) == at
    assert epoch_after(ALL, now) == after


def test_every_epoch_family_and_layer_has_keys_of_its_own():
    roots = set()
    for epoch in ("a", "b"):
        for family in ("f", "g"):
            for layer in ("account", "provider"):
                keys = epoch_keys(MASTER, epoch, family, layer)
                roots |= {keys.codeword_root, keys.decoy_root}
    assert len(roots) == 16


def test_a_promise_holds_for_its_own_keys_and_no_others(made):
    assert check(MASTER, made) == check(MASTER, made, TABLE) == "verified"
    assert check(Master(b"n" * 32), made) == "mismatch"
    assert check(MASTER, made, "8" * 64) == "mismatch"
    for change in ("account_root", "provider_root"):
        assert check(MASTER, _changed(made, **{change: "0" * 64})) == "mismatch"
    for change in ({"epoch": "2027-q1"}, {"family": "other"}, {"decoys": DECOYS - 1}):
        assert check(MASTER, _changed(made, **change)) == "mismatch"
    assert check(MASTER, _changed(made, made_at="2001-01-01T00:00:00.000Z")) == "verified"


def _changed(made, **changes):
    return epochs.Commitment(**{name: changes.get(name, getattr(made, name)) for name in made.__dataclass_fields__})


def test_the_first_promise_of_these_keys_stays_what_it_was(made):
    """A frozen vector: another derivation would be another version of the scheme."""
    assert made.account_root == "b6c01ebabd8703227d0f499e16b9d90703349edb002908a713dd4210c7edcf07"
    assert made.provider_root == "ba33f50436232a8964d1cfdb34de408954c3161745d04a5923d3f783f34284cd"


def test_it_is_read_as_it_was_written(made, path):
    assert write_commitment(path, made)
    assert read_commitment(path) == made
    assert made.made_ms == NOW
    assert path.name == "2026-q4-gemma-3.json"
    for folder in (path.parent, path.parent.parent):
        assert folder.stat().st_mode & 0o777 == 0o700


def test_no_secret_is_in_it(made, path):
    write_commitment(path, made)
    text = path.read_text()
    for layer in ("account", "provider"):
        keys = epoch_keys(MASTER, "2026-q4", "gemma-3", layer)
        for secret in (MASTER.secret, keys.codeword_root, keys.decoy_root, keys.decoy_seeds()[0]):
            assert secret.hex() not in text


def test_a_promise_is_never_replaced(made, path):
    write_commitment(path, made)
    before = path.read_bytes()
    assert not write_commitment(path, _changed(made, made_at="2027-02-01T00:00:00.000Z"))
    with pytest.raises(BadCommitment, match="promises other keys"):
        write_commitment(path, _changed(made, table="8" * 64))
    assert path.read_bytes() == before
    path.write_text("{")
    with pytest.raises(BadCommitment):
        write_commitment(path, made)
    assert path.read_text() == "{"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"format": 2}, "expected format 1 and scheme pairs/1"),
        ({"scheme": "pairs/2"}, "expected format 1 and scheme pairs/1"),
        ({"more": 1}, "expected an object with format,"),
        ({"account_root": "0" * 63}, "account_root: expected 64 hex digits"),
        ({"provider_root": "G" * 64}, "provider_root: expected 64 hex digits"),
        ({"table": 5}, "table: expected text"),
        ({"family": ""}, "family: expected text"),
        ({"family": "x" * 129}, "family: expected text"),
        ({"decoys": 0}, "decoys: expected 1 to"),
        ({"decoys": True}, "decoys: expected 1 to"),
        ({"decoys": 10**9}, "decoys: expected 1 to"),
        ({"made_at": "yesterday"}, "Invalid isoformat"),
        ({"made_at": "2027-01-15"}, "expected a moment like"),
        ({"epoch": "2027-q1"}, "is that of epoch 2027-q1, family gemma-3, under a wrong name"),
    ],
)
def test_what_is_no_promise_is_named(made, path, change, says):
    write_commitment(path, made)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(BadCommitment, match=says) as caught:
        read_commitment(path)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_file_of_any_size_is_not_read_to_its_end(made, path):
    write_commitment(path, made)
    with path.open("ab") as file:
        file.write(b" " * 20_000)
    with pytest.raises(BadCommitment, match="larger than 16384 bytes"):
        read_commitment(path)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b"null", b'{"format": 1}'])
def test_a_file_that_holds_something_else_is_refused(path, content):
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(BadCommitment):
        read_commitment(path)
