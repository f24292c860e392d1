"""Inputs: each kind, in a stable order, with names that do not tell where they lay; bad ones stop the run."""

import io
import json
from pathlib import Path

import pytest

from gateway.forensics import inputs
from gateway.forensics.inputs import BadInput, documents, found
from gateway.forensics.prompt import grams_of


def read(paths, **more):
    return list(documents(found([str(path) for path in paths]), **more))


def test_files_folders_and_corpora(tmp_path):
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "b.txt").write_text("b")
    (tmp_path / "in" / "deep" / "a.md").write_text("\ufeffa")
    (tmp_path / "in" / "picture.png").write_bytes(b"\xff")
    (tmp_path / "in" / "c.jsonl").write_text('{"text": "one", "id": 1}\n\n{"text": "two"}\n')
    (tmp_path / "odd.dat").write_text("odd")
    one = read([tmp_path / "odd.dat", tmp_path / "in"])
    assert [(document.name, document.text) for document in one] == [
        ("odd.dat", "odd"), ("in/b.txt", "b"), ("in/c.jsonl:1", "one"), ("in/c.jsonl:3", "two"), ("in/deep/a.md", "a"),
    ]  # fmt: skip


def test_another_field(tmp_path):
    (tmp_path / "c.ndjson").write_text(json.dumps({"answer": "yes", "text": 1}))
    assert [document.text for document in read([tmp_path / "c.ndjson"], field="answer")] == ["yes"]


def test_standard_input(monkeypatch):
    class Stdin:
        buffer = io.BytesIO("gä".encode())

    monkeypatch.setattr(inputs.sys, "stdin", Stdin)
    assert [(document.name, document.text) for document in read(["-"])] == [("-", "gä")]


def test_the_prompts_words_are_dropped_and_the_original_stays(tmp_path):
    (tmp_path / "t.txt").write_text("say: one two three four five six")
    (document,) = read([tmp_path / "t.txt"], prompt=grams_of("one two three four five"))
    assert (document.dropped, document.original) == (5, "say: one two three four five six")
    assert document.text.split() == ["say:", "six"]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("t.txt", b"\xff\xfe", "t.txt: not UTF-8 at byte 0"),
        ("c.jsonl", b'{"text": "a"}\nnonsense\n', "c.jsonl:2: not a JSON object"),
        ("c.jsonl", b"[" * 100_000, "c.jsonl:1: not a JSON object"),
        ("c.jsonl", b'{"other": "a"}', "c.jsonl:1: expected text under 'text'"),
        ("c.jsonl", b'["a"]', "c.jsonl:1: expected text under"),
    ],
)
def test_what_cannot_be_read_stops_the_run(tmp_path, name, data, message):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(BadInput, match=message):
        read([tmp_path / name])


def test_absent_and_empty(tmp_path):
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        read([tmp_path / "nothing.txt"])
    with pytest.raises(BadInput, match="nothing to read"):
        read([tmp_path])


def test_everything_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(inputs, "MOST_BYTES", 50)
    monkeypatch.setattr(inputs, "MOST_DOCUMENTS", 3)
    (tmp_path / "t.txt").write_text("x" * 51)
    (tmp_path / "c.jsonl").write_text('{"text": "a"}\n' * 4)
    (tmp_path / "long.jsonl").write_text(json.dumps({"text": "x" * 60}))
    with pytest.raises(BadInput, match="larger than"):
        read([tmp_path / "t.txt"])
    with pytest.raises(BadInput, match="larger than"):
        read([tmp_path / "long.jsonl"])
    with pytest.raises(BadInput, match="more than 3 documents"):
        read([tmp_path / "c.jsonl"])


def test_the_same_corpus_has_the_same_names_elsewhere(tmp_path):
    for place in ("here", "there"):
        (tmp_path / place / "corpus").mkdir(parents=True)
        (tmp_path / place / "corpus" / "a.txt").write_text("a")
    one, two = (read([Path(tmp_path / place / "corpus")])[0].name for place in ("here", "there"))
    assert one == two
