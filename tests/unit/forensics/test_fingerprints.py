"""Looking texts up on their way to the detector: what `gateway trace` finds, over parts, batches and whole corpora."""

from random import Random

import pytest

from gateway.forensics import fingerprints
from gateway.forensics.fingerprints import Lookup
from gateway.forensics.inputs import Document
from gateway.forensics.portions import OVERLAP, PART, parts
from gateway.registry.shelf import shelves
from tests.support.registries import NOON_MS, ROOT, answer, kept, prose, traced

PICK = Random(21)
TEXTS = [" ".join(prose(PICK, 300)) for _ in range(6)]


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """Six answers: two of each account, the second an hour later."""
    registry = tmp_path_factory.mktemp("fingerprints") / "registry"
    answers = (answer(number, f"acct-{number % 3}", NOON_MS + 1000 * number) for number in range(6))
    kept(registry / "one" / "2026-q4", zip(answers, TEXTS, strict=True))
    return registry


def looked_up(registry, texts, *, prompt=None, until_ms=NOON_MS + 10_000):
    lookup = Lookup(shelves(registry), lambda _: ROOT, prompt, until_ms)
    documents = [Document(f"text-{number}", text, text) for number, text in enumerate(texts)]
    assert list(lookup.watching(documents)) == documents
    return lookup.found()


def test_one_text_is_what_a_trace_says(registry):
    mixed = TEXTS[0] + " " + " ".join(TEXTS[4].split()[:60])
    found = looked_up(registry, [mixed])
    trace = traced(registry, mixed)
    assert [one.account for one in found.holders] == ["acct-0", "acct-1"]
    for own, theirs in zip(found.holders, trace.holders, strict=True):
        assert (own.account, own.answers) == (theirs.account, len(theirs.sources))
        assert (own.rare_grams, own.run * 2, own.first_ms) == (theirs.rare, theirs.run.length, theirs.first_issued_ms)
    assert (found.searched.documents, found.searched.shelves) == (6, ["one/2026-q4"])
    assert (found.held, found.below) == (1, trace.below)
    assert [one.documents for one in found.holders] == [1, 1]


def test_a_text_that_nobody_was_served(registry):
    found = looked_up(registry, [" ".join(prose(PICK, 300))])
    assert (found.holders, found.documents, found.held) == ((), (), 0)
    assert found.searched.documents == 6


@pytest.mark.parametrize("at_once", [256, 1, 2])
def test_a_corpus_has_totals_and_rows(registry, at_once, monkeypatch):
    monkeypatch.setattr(fingerprints, "AT_ONCE", at_once)
    found = looked_up(registry, [TEXTS[1], " ".join(prose(PICK, 200)), TEXTS[4], TEXTS[4], TEXTS[2]])
    assert [row.document for row in found.documents] == ["text-0", "text-2", "text-3", "text-4"]
    assert [[one.account for one in row.holders] for row in found.documents] == [
        ["acct-1"], ["acct-1"], ["acct-1"], ["acct-2"],
    ]  # fmt: skip
    first, second = found.holders
    assert (first.account, first.documents, first.answers, first.first_ms) == ("acct-1", 3, 2, NOON_MS + 1000)
    assert first.rare_grams == sum(row.holders[0].rare_grams for row in found.documents[:3])
    assert (second.account, second.documents, second.answers) == ("acct-2", 1, 1)
    assert found.held == 4
    assert found.searched.documents == 6, "the registry is counted once, however often it is searched"


def test_more_rows_than_are_kept_are_counted(registry, monkeypatch):
    monkeypatch.setattr(fingerprints, "MOST_ROWS", 2)
    found = looked_up(registry, TEXTS)
    assert len(found.documents) == 2
    assert (found.held, len(found.holders)) == (6, 3)


@pytest.mark.parametrize("chars", [2 << 20, 1])
def test_a_long_text_is_one_document(registry, chars, monkeypatch):
    """In parts, each perhaps in a pass of its own: a gram that stands in two parts counts once."""
    monkeypatch.setattr(fingerprints, "CHARS_AT_ONCE", chars)
    filler = " ".join(prose(PICK, 50_000))
    long = f"{TEXTS[0]} {filler} {TEXTS[0]} {TEXTS[3]}"
    assert len(list(parts(Document("a", long, long)))) == 2
    found = looked_up(registry, [long, TEXTS[5]])
    assert [row.document for row in found.documents] == ["text-0", "text-1"]
    holder = found.documents[0].holders[0]
    assert (holder.account, holder.answers) == ("acct-0", 2)
    alone = [looked_up(registry, [TEXTS[number]]).holders[0].rare_grams for number in (0, 3)]
    assert holder.rare_grams == pytest.approx(sum(alone), abs=3)


def test_parts_overlap_and_hold_everything():
    text = "".join(str(number % 10) for number in range(2 * PART + 77))
    pieces = [part.text for part in parts(Document("a", text, text))]
    whole = pieces[0] + "".join(piece[OVERLAP:] for piece in pieces[1:])
    assert whole == text
    assert [part.name for part in parts(Document("a", "short", "short"))] == ["a"]


def test_what_the_prompt_has_is_not_looked_for(registry):
    assert looked_up(registry, [TEXTS[0]], prompt="Repeat: " + TEXTS[0]).holders == ()
    assert looked_up(registry, [TEXTS[0]], prompt="Repeat: " + TEXTS[1]).holders != ()


def test_answers_that_were_served_later_are_passed_over(registry):
    assert looked_up(registry, [TEXTS[3]], until_ms=NOON_MS + 3000).holders != ()
    assert looked_up(registry, [TEXTS[3]], until_ms=NOON_MS + 2999).holders == ()


def test_no_text_at_all(registry):
    found = looked_up(registry, [])
    assert (found.holders, found.searched.documents) == ((), 6)


def test_what_cannot_be_read_is_a_problem_once(registry, tmp_path, monkeypatch):
    monkeypatch.setattr(fingerprints, "AT_ONCE", 1)
    kept(tmp_path / "registry" / "one" / "2026-q4", [(answer(1), TEXTS[1])])
    (log,) = (tmp_path / "registry").rglob("*.log")
    log.write_bytes(log.read_bytes()[:-3])
    found = looked_up(tmp_path / "registry", TEXTS[:3])
    assert len(found.searched.problems) == 1
