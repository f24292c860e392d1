"""`gateway trace` and `gateway registry`: through the settings and through flags, for people and as JSON."""

import io
import json
import sys
from importlib.util import find_spec
from pathlib import Path
from random import Random

import pytest

from gateway.cli.main import main
from gateway.registry.records import Document
from gateway.registry.sketch import Sketch, sketch
from gateway.registry.writer import Writer
from gateway.watermarks.keys import KeyPath
from gateway.watermarks.secret import read_master
from tests.support.marks_on_disk import write_marks
from tests.support.needs import missing
from tests.support.registries import NOON_MS, UNTIL_MS, edited, prose

PICK = Random(77)
LEAKED = prose(PICK, 300)
TEXTS = {"acct-a": LEAKED, "acct-b": prose(PICK, 300), "acct-\x1b[31mc": prose(PICK, 120) + LEAKED[:150]}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings, and three answers that a replica kept under them."""
    monkeypatch.delenv("GATEWAY_CONFIG", raising=False)
    path = write_marks(tmp_path)
    master = read_master(tmp_path / "watermark.key")
    (tmp_path / "marks").mkdir()
    root = master.root(KeyPath("registry", 1, "", "first", "provider"))
    writer = Writer(tmp_path / "marks" / "registry" / "replica-1" / "first", UNTIL_MS, root)
    for number, (account, words) in enumerate(TEXTS.items()):
        found = sketch(" ".join(words), writer.hasher)
        document = Document(f"req_{number}", account, "gemma-3", "gemma-3-27b", NOON_MS + number, found.words)
        writer.append(document, found)
    writer.close()
    return path


@pytest.fixture
def leaked(tmp_path: Path) -> Path:
    path = tmp_path / "leaked.txt"
    path.write_text(" ".join(edited(Random(1), LEAKED, 0.05)))
    return path


def registry_of(config: Path) -> Path:
    return config.parent / "marks" / "registry"


def test_the_accounts_are_named_for_people(config, leaked, capsys):
    assert main(["trace", str(leaked), "--config", str(config)]) == 0
    out = capsys.readouterr().out
    assert "leaked.txt: " in out.splitlines()[0]
    assert "served to 2 accounts" in out.splitlines()[0]
    assert out.splitlines()[2].split()[0] == "acct-a"
    assert "req_0  gemma-3-27b  replica-1/first" in out
    assert "2026-11-02T12:00:00.000Z" in out
    assert "\x1b" not in out, "an account's name moves no cursor"
    assert "searched: 3 answers in 1 folder" in out
    assert "not who published it" in out
    quoted = out.split('longest run: "')[1].split(" …")[0]
    assert quoted in leaked.read_text()
    assert len(quoted.split()) > 15


def test_json_has_every_account_and_answer(config, leaked, capsys):
    assert main(["trace", str(leaked), "--config", str(config), "--json", "--top", "1"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["format"] == 1
    assert document["searched"] == {"answers": 3, "folders": ["replica-1/first"], "shredded": [], "problems": []}
    (text,) = document["texts"]
    assert [holder["account"] for holder in text["holders"]] == ["acct-a", "acct-\x1b[31mc"]
    first = text["holders"][0]
    assert first["answers"] == 1
    assert first["rare_grams"] > 25
    assert first["longest_run"]["words"] >= 24
    (source,) = first["sources"]
    assert (source["request"], source["family"], source["instance"], source["epoch"]) == (
        "req_0", "gemma-3", "replica-1", "first",
    )  # fmt: skip
    assert source["served_at"] == "2026-11-02T12:00:00.000Z"
    assert [row["account"] for row in document["accounts"]] == ["acct-a", "acct-\x1b[31mc"]


def test_few_are_shown_and_the_rest_is_counted(config, leaked, capsys):
    assert main(["trace", str(leaked), "--config", str(config), "--top", "1"]) == 0
    assert "and 1 more accounts" in capsys.readouterr().out


def test_a_corpus_is_traced_text_by_text(config, tmp_path, capsys):
    corpus = tmp_path / "set.jsonl"
    rows = [" ".join(TEXTS["acct-b"][:80]), " ".join(prose(PICK, 200)), " ".join(TEXTS["acct-b"][100:])]
    corpus.write_text("".join(json.dumps({"output": row}) + "\n" for row in rows))
    assert main(["trace", str(corpus), "--field", "output", "--config", str(config)]) == 0
    out = capsys.readouterr().out
    assert "set.jsonl:2: 200 words, no account found" in out
    assert "all texts: 2 of 3 served to 1 accounts" in out
    assert main(["trace", str(corpus), "--field", "output", "--config", str(config), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    (row,) = document["accounts"]
    assert row.pop("rare_grams") == sum(text["holders"][0]["rare_grams"] for text in document["texts"][::2])
    assert row == {"account": "acct-b", "texts": 2, "answers": 1, "first_served": "2026-11-02T12:00:00.001Z"}
    assert [len(text["holders"]) for text in document["texts"]] == [1, 0, 1]


def test_a_long_text_is_looked_up_in_parts(config, tmp_path, capsys):
    path = tmp_path / "book.txt"
    path.write_text(" ".join([*prose(PICK, 60_000), *LEAKED[:60], *prose(PICK, 3000)]))
    assert main(["trace", str(path), "--config", str(config), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [text["name"] for text in document["texts"]] == ["book.txt (part 1)", "book.txt (part 2)"]
    assert "acct-a" in {row["account"] for row in document["accounts"]}


def test_what_the_prompt_held_is_not_looked_for(config, leaked, tmp_path):
    prompt = tmp_path / "prompt.txt"
    prompt.write_text("Say after me:\n> " + leaked.read_text().upper())
    command = ["trace", str(leaked), "--config", str(config), "--check"]
    assert main(command) == 10
    assert main([*command, "--prompt", str(prompt)]) == 13


def test_the_secret_and_the_folder_will_do_without_settings(config, leaked, tmp_path, capsys):
    flags = ["--registry", str(registry_of(config)), "--secret-file", str(tmp_path / "watermark.key")]
    assert main(["trace", str(leaked), *flags, "--check"]) == 10
    other = tmp_path / "other.key"
    assert main(["watermark", "keygen", str(other)]) == 0
    assert main(["trace", str(leaked), *flags[:3], str(other), "--check"]) == 13
    assert main(["trace", str(leaked), *flags[:2]]) == 2
    assert main(["trace", str(leaked)]) == 2
    assert main(["trace", str(leaked), "--config", "nowhere.yaml"]) == 2
    assert "needs --secret-file" in capsys.readouterr().err


def test_standard_input_is_a_text(config, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(" ".join(LEAKED).encode())))
    assert main(["trace", "-", "--config", str(config), "--check"]) == 10
    assert "-: 300 words, served to 2 accounts" in capsys.readouterr().out


def test_what_cannot_be_read_is_said(config, leaked, tmp_path, capsys):
    assert main(["trace", str(tmp_path / "gone.txt"), "--config", str(config)]) == 1
    flags = ["--secret-file", str(tmp_path / "watermark.key")]
    assert main(["trace", str(leaked), "--registry", str(tmp_path / "gone"), *flags]) == 1
    (log,) = registry_of(config).rglob("*.log")
    log.write_bytes(log.read_bytes()[:-3])
    assert main(["trace", str(leaked), "--config", str(config), "--check"]) == 1
    said = capsys.readouterr()
    assert "acct-a" in said.out, "what is whole is still looked through"
    assert "damaged from byte" in said.err
    (tmp_path / "watermark.key").chmod(0o644)
    assert main(["trace", str(leaked), "--config", str(config)]) == 1
    assert "chmod 600" in capsys.readouterr().err


def test_tracing_needs_no_numpy_and_compacting_says_so(config, leaked, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "numpy", None)
    monkeypatch.delitem(sys.modules, "gateway.registry.postings", raising=False)
    assert main(["trace", str(leaked), "--config", str(config), "--check"]) == 10
    assert main(["registry", "compact", "--config", str(config)]) == 2
    assert "excise-gateway[watermark]" in capsys.readouterr().err
    assert len(list(registry_of(config).rglob("*.log"))) == 1


def test_logs_are_sorted_listed_and_verified(config, leaked, capsys):
    if not find_spec("numpy"):
        missing("needs numpy: make test installs requirements/watermark.txt")
    assert main(["registry", "list", "--config", str(config)]) == 0
    assert "replica-1/first: 3 answers, 0.0 MB, 0 sorted, 1 to sort; until 2027-01-01T12" in capsys.readouterr().out
    assert main(["registry", "compact", "--config", str(config)]) == 0
    assert "replica-1/first/20261102-000001: 3 answers" in capsys.readouterr().out
    assert main(["trace", str(leaked), "--config", str(config), "--check"]) == 10
    capsys.readouterr()
    assert main(["registry", "list", "--registry", str(registry_of(config)), "--json", "--verify"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["problems"] == []
    (row,) = document["folders"]
    assert (row["answers"], row["segments"], row["logs"], row["shredded"]) == (3, 1, 0, False)
    (segment,) = registry_of(config).rglob("*.seg")
    data = bytearray(segment.read_bytes())
    data[-1] ^= 1
    segment.write_bytes(data)
    assert main(["registry", "list", "--config", str(config)]) == 0
    assert main(["registry", "list", "--config", str(config), "--verify"]) == 1
    assert "it is damaged" in capsys.readouterr().err


def test_an_epoch_is_forgotten_only_when_meant(config, leaked, capsys):
    command = ["registry", "shred", "first", "--config", str(config)]
    assert main(["registry", "shred", "second", "--config", str(config), "--yes"]) == 2
    assert main(command) == 2
    assert "would be forgotten for good: replica-1/first: 3 answers" in capsys.readouterr().out
    assert main(["trace", str(leaked), "--config", str(config), "--check"]) == 10
    assert main([*command, "--yes", "--instance", "replica-7"]) == 2
    assert main([*command, "--yes"]) == 0
    assert main(["trace", str(leaked), "--config", str(config), "--check"]) == 13
    assert "shredded, so nothing can be found there: replica-1/first" in capsys.readouterr().out
    assert main(["registry", "list", "--config", str(config)]) == 0
    assert "replica-1/first: 0 answers, 0.0 MB, shredded" in capsys.readouterr().out


def test_what_a_gateway_writes_to_is_not_forgotten(config, capsys):
    folder = registry_of(config) / "replica-1" / "first"
    writer = Writer(folder, UNTIL_MS, bytes(32))
    writer.append(Document("req_9", "acct-d", "", "m", NOON_MS, 1), Sketch(1, b"12345"))
    assert main(["registry", "shred", "first", "--yes", "--config", str(config)]) == 1
    assert "running gateway" in capsys.readouterr().err
    assert main(["registry", "list", "--config", str(config)]) == 0
    assert "4 answers" in capsys.readouterr().out
    writer.close()
