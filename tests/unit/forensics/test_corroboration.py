"""Mark and fingerprints side by side: the section of the report, its fixed words, and who sees which of it."""

import pytest

from gateway.forensics.corroboration import section, sentences
from gateway.forensics.fingerprints import Fingerprints, Held, Holder
from gateway.registry.search import Searched


def found(*accounts, answers=12, problems=()):
    holders = tuple(Holder(name, 1, 2, 30, 44, 1_793_620_800_000) for name in accounts)
    searched = Searched(answers, ["one/2026-q4"], ["one/2026-q3"], list(problems))
    return Fingerprints(searched, holders, (Held("a:1", holders),) if holders else (), bool(holders), 5)


def of(held, fired, *, details=False, corpus=False):
    made = section(held, fired, details=details, corpus=corpus)
    return made, " ".join(sentences(made, fired))


def test_the_account_that_fired_holds_it():
    made, words = of(found("acct-7"), ["acct-7"])
    assert made["corroborated"] is True
    assert made["accounts"] == [{"account": "acct-7", "corroborated": True}]
    assert made["others_hold"] is False
    assert words.startswith("Corroborated by fingerprints: acct-7 ")
    assert "Not corroborated" not in words
    assert "no part in p" in words


def test_the_account_that_fired_does_not_hold_it():
    made, words = of(found(), ["acct-7"])
    assert made["corroborated"] is False
    assert "Not corroborated by fingerprints: of the 12 answers searched" in words
    assert "before acct-7 is named" in words


def test_somebody_else_holds_it():
    made, words = of(found("acct-8"), ["acct-7"])
    assert (made["corroborated"], made["others_hold"]) == (False, True)
    assert "Not corroborated" in words
    assert "did not fire" in words
    assert "acct-8" not in str(made) + words, "who holds it is a detail"


def test_of_two_that_fired_each_is_told_apart():
    made, words = of(found("acct-8", "acct-9"), ["acct-7", "acct-8"])
    assert [one["corroborated"] for one in made["accounts"]] == [False, True]
    assert made["corroborated"] is False
    assert made["others_hold"] is True
    assert "Corroborated by fingerprints: acct-8" in words
    assert "named to others" in words


@pytest.mark.parametrize("held", [[], ["acct-8"]])
def test_where_no_account_fired_there_is_nothing_to_corroborate(held):
    made, words = of(found(*held), [])
    assert made["corroborated"] is None
    assert made["others_hold"] is bool(held)
    assert ("hold passages" in words) is bool(held)
    assert ("no proof that it is not ours" in words) is not held
    assert "acct-8" not in words


def test_an_empty_registry_corroborates_nothing_and_denies_nothing():
    made, words = of(found(answers=0), ["acct-7"])
    assert made["corroborated"] is None
    assert made["accounts"] == [{"account": "acct-7", "corroborated": None}]
    assert words.startswith("Not corroborated: no registry of fingerprints was searched")
    assert sentences(None, ["acct-7"]) == [words]
    assert sentences(None, []) == []
    assert of(found(answers=0), [])[1] == ""


def test_files_that_could_not_be_read_are_said():
    made, words = of(found(problems=["registry /x/y: damaged"]), ["acct-7"])
    assert made["searched"] == {
        "answers": 12, "folders": ["one/2026-q4"], "shredded": ["one/2026-q3"], "unreadable": 1,
    }  # fmt: skip
    assert "could not be read" in words
    assert "/x/y" not in str(made) + words


def test_details_name_every_holder():
    names = [f"acct-{number}" for number in range(300)]
    made, _ = of(found(*names), ["acct-7"], details=True)
    assert [one["account"] for one in made["holders"]] == names
    assert made["holders"][7] == {
        "account": "acct-7", "fired": True, "documents": 1, "answers": 2, "rare_grams": 30, "longest_run_words": 44,
        "first_served": "2026-11-02T12:00:00.000Z",
    }  # fmt: skip
    assert sum(one["fired"] for one in made["holders"]) == 1
    assert made["below_threshold"] == 5
    assert "documents" not in made


def test_a_corpus_lists_its_documents():
    made, _ = of(found("acct-7", "acct-8"), ["acct-7"], details=True, corpus=True)
    assert made["documents"]["held"] == 1
    (row,) = made["documents"]["listed"]
    assert (row["document"], [one["account"] for one in row["holders"]]) == ("a:1", ["acct-7", "acct-8"])
    assert "documents" not in of(found("acct-7"), ["acct-7"], corpus=True)[0]


CASES = [
    (fired, held, answers)
    for fired in ([], ["a"], ["a", "b"])
    for held in ([], ["a"], ["c"], ["a", "b", "c"])
    for answers in (0, 9)
    if answers or not held
]


@pytest.mark.parametrize(("fired", "held", "answers"), CASES)
def test_whoever_fired_without_fingerprints_is_never_named_without_a_warning(fired, held, answers):
    made, words = of(found(*held, answers=answers), fired)
    alone = [name for name in fired if name not in held]
    assert ("Not corroborated" in words) is bool(alone)
    assert (made["corroborated"] is True) is (bool(fired) and not alone)
    assert made["others_hold"] is bool(set(held) - set(fired))
