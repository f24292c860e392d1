"""The pair table as a file: what is written is read, and nothing else is accepted."""

import json
from dataclasses import replace

import pytest

from gateway.watermarks.pairs import MOST_BYTES, MOST_PAIRS, BadTable, Pair, PairTable, read_table, write_table

PAIRS = (Pair("also", "too", 992, 2311, 410.25, 398.5), Pair("big", "large", 2514, 2455, 120.0, 119.0))
TABLE = PairTable("gemma", PAIRS)


def document(**changes):
    rows = [["also", "too", 992, 2311, 410.25, 398.5], ["big", "large", 2514, 2455, 120.0, 119.0]]
    return {"format": 1, "words": 1, "model": "gemma", "pairs": rows} | changes


def row(**changes):
    values = dict(zip(("first", "second", "t1", "t2", "r1", "r2"), document()["pairs"][0], strict=True)) | changes
    return document(pairs=[list(values.values())])


def read(tmp_path, what):
    path = tmp_path / "table.json"
    path.write_text(what if isinstance(what, str) else json.dumps(what))
    return read_table(path)


def test_a_table_that_is_written_is_read_again(tmp_path):
    write_table(tmp_path / "t.json", TABLE)
    again = read_table(tmp_path / "t.json")
    assert again == TABLE
    assert again.digest == TABLE.digest
    assert again.tokens == {992, 2311, 2514, 2455}


def test_the_digest_is_that_of_the_meaning_and_not_of_the_file(tmp_path):
    assert read(tmp_path, json.dumps(document(), indent=3)).digest == TABLE.digest
    assert TABLE.digest == "89f2472930aa04f8144df554a39f844d1c89fb8138258bf7ff0e6bd3a170f9cb"
    for other in (
        replace(TABLE, model="other"),
        replace(TABLE, pairs=PAIRS[::-1]),
        replace(TABLE, pairs=(replace(PAIRS[0], first_token=7), PAIRS[1])),
    ):
        assert other.digest != TABLE.digest


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("{", "table.json: "),
        ("[]", "expected an object with format"),
        (document(extra=1), "expected an object with format"),
        (document(format=2), "expected format 1 and words 1"),
        (document(words=0), "expected format 1 and words 1"),
        (document(model=None), "expected a name under model"),
        (document(pairs={}), "a list under pairs"),
        (document(pairs=[]), "expected 1 to 1024 pairs, found 0"),
        (document(pairs=[["also", "too", 1, 2, 3.0]]), "pair 0: expected"),
        (row(first=1), "pair 0: expected"),
        (row(t1="992"), "pair 0: expected"),
        (row(first="two words"), "pair 0: expected two words"),
        (row(second="x-y"), "pair 0: expected two words"),
        (row(second=""), "pair 0: expected two words"),
        (row(t1=-1), "pair 0: expected tokens from 0 on"),
        (row(r1=-0.5), "pair 0: expected tokens from 0 on"),
        (row(r2=1e7), "pair 0: expected tokens from 0 on"),
        (row(r1=float("nan")), "pair 0: expected tokens from 0 on"),
        (row(second="also"), "a word stands in two places"),
        (row(t2=992), "a token stands in two places"),
        (" " * (MOST_BYTES + 1), "larger than"),
    ],
)
def test_anything_else_is_refused_with_its_place(tmp_path, what, message):
    with pytest.raises(BadTable, match=r"table\.json: ") as error:
        read(tmp_path, what)
    assert message in str(error.value)


def test_a_file_that_is_not_there_is_not_a_bad_table(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_table(tmp_path / "absent.json")


def test_more_pairs_than_buckets_are_refused():
    many = tuple(Pair(f"{n}a", f"{n}b", 2 * n, 2 * n + 1, 1.0, 1.0) for n in range(MOST_PAIRS + 1))
    assert len(PairTable("m", many[:-1]).pairs) == MOST_PAIRS
    with pytest.raises(BadTable, match="found 1025"):
        PairTable("m", many)
