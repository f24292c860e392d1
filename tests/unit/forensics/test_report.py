"""Reports: who may see what, the fixed words, and pages that hostile names cannot break."""

import json
import re
from html.parser import HTMLParser
from random import Random
from xml.etree import ElementTree as ET

import pytest

from tests.support.needs import needs_numpy

needs_numpy()

from gateway.forensics.corpus import examine_corpus  # noqa: E402
from gateway.forensics.corroboration import section  # noqa: E402
from gateway.forensics.document import examine  # noqa: E402
from gateway.forensics.eras import Suspect  # noqa: E402
from gateway.forensics.fingerprints import Fingerprints, Held, Holder  # noqa: E402
from gateway.forensics.html import html  # noqa: E402
from gateway.forensics.inputs import Document  # noqa: E402
from gateway.forensics.page import page  # noqa: E402
from gateway.forensics.question import Question  # noqa: E402
from gateway.forensics.report import Context, report_of  # noqa: E402
from gateway.registry.search import Searched  # noqa: E402
from gateway.watermarks.evidence import Cluster  # noqa: E402
from tests.support.forensic import era, text  # noqa: E402

ERA = era()
CLUSTER = Cluster("set", frozenset({"acct-0", "acct-1"}))
QUESTION = Question((ERA,), (CLUSTER,))
CONTEXT = Context(made_at="2026-11-22T00:00:00.000Z", by="ada", heads={"one.jsonl": "00"}, notes=("a note",))
HOSTILE = "<script>alert(1)</script>\"'&\x1b[2J\u202e"


def of_text(one, question=QUESTION, *, scores=False, windows=False, name="a.txt"):
    return report_of(examine(name, one, question, lambda _: 1, windows=windows), question, CONTEXT, scores=scores)


def of_corpus(texts, question=QUESTION, *, scores=False):
    documents = [Document(f"{number} {HOSTILE}", one, one) for number, one in enumerate(texts)]
    return report_of(examine_corpus(documents, question, lambda _: 1), question, CONTEXT, scores=scores)


def keys_in(value):
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    for one in value if isinstance(value, list) else ():
        yield from keys_in(one)


@pytest.mark.parametrize("account", ["acct-4", None])
def test_without_scores_there_are_none(account):
    """Nor anything else by which one could tell how near a text is."""
    marked = text(Random(1), of=ERA, account=account) if account else text(Random(1), 3000)
    for report in (of_text(marked, windows=True), of_corpus([marked, text(Random(2), 200)])):
        secret = {"scores", "score", "z", "leaders", "decoy_rank_p", "margin_z", "tail", "bound_p", "q"}
        assert not secret & (set(keys_in(report)) - {"q"} if "documents" in report else set(keys_in(report)))
        assert " z " not in page(report)
        assert "<svg" not in html(report)


def test_a_verdict_without_a_name_shows_no_p():
    report = of_text(text(Random(3), 3000))
    assert report["verdict"] == {
        "name": "none", "reason": "nothing_found", "accounts": [], "provider": None, "clusters": [],
    }  # fmt: skip
    assert not re.search(r"\bp \d", page(report))


def test_the_report_of_a_name():
    report = of_text(text(Random(4), of=ERA, account="acct-4"), scores=True, windows=True)
    (named,) = report["verdict"]["accounts"]
    assert (named["account"], named["epoch"], named["family"]) == ("acct-4", "e1", "made")
    assert float(named["p"]) < 1e-6
    assert named["log10_p"] <= -6
    assert report["format"] == 1
    assert report["tried"]["total"] == (40 + 1 + 1) * report["tried"]["windows"]
    assert report["tested"][0]["commitment"]["check"] == "verified"
    (look,) = report["scores"]["looks"]
    assert look["leaders"][0]["account"] == "acct-4"
    assert sum(count for _, count in look["decoys"]["histogram"]) == look["decoys"]["count"] == 1000
    assert len(report["scores"]["windows"]) == report["tried"]["windows"] - 1
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_p_is_rounded_up_only():
    named = of_text(text(Random(5), of=ERA))["verdict"]["accounts"][0]
    hit = examine("a", text(Random(5), of=ERA), QUESTION, lambda _: 1).outcome.accounts[0]
    assert named["log10_p"] * 2.302585 >= hit.log_p - 1e-3
    assert float(named["p"]) >= 10 ** named["log10_p"] * 0.99


REPORTS = {
    "attributed": lambda: of_text(text(Random(6), of=ERA), scores=True),
    "several": lambda: of_text(" ".join(text(Random(n), of=ERA, account=f"acct-{n}") for n in (1, 2)), scores=True),
    "provider": lambda: of_text(text(Random(7), 1200, of=ERA, account=None), scores=True),
    "none": lambda: of_text(text(Random(8), 3000), scores=True),
    "weak": lambda: of_text("too short", scores=True),
    "corpus": lambda: of_corpus([text(Random(n), 300, of=ERA) for n in range(3)], scores=True),
}


@pytest.mark.parametrize("kind", REPORTS)
def test_no_sentence_turns_p_around(kind):
    report = REPORTS[kind]()
    words = page(report) + html(report)
    assert not re.search(r"0?\.99999|99\.99|guilt|certain(ty|ly)|probability that .* did", words)
    assert report["wording"]
    if report["verdict"]["accounts"]:
        assert "does not show who published" in words
        assert "if this text did not depend on the key of account" in words.lower()
    else:
        assert "acct-" not in " ".join(report["wording"])


def test_none_never_says_that_it_is_not_ours():
    words = " ".join(REPORTS["none"]()["wording"])
    assert "not proof that the text is not ours" in words
    assert "nothing can be said" in " ".join(REPORTS["weak"]()["wording"])


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.attributes = [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]


@pytest.mark.parametrize("kind", REPORTS)
def test_pages_fetch_nothing_and_run_nothing(kind):
    parsed = Tags()
    parsed.feed(html(REPORTS[kind]()))
    assert not {"script", "img", "link", "iframe", "object", "base", "form", "a"} & set(parsed.tags)
    assert not [name for name in parsed.attributes if name.startswith("on") or name in {"src", "href", "action"}]
    assert "svg" in parsed.tags
    for plot in re.findall(r"<svg.*?</svg>", html(REPORTS[kind]()), re.DOTALL):
        ET.fromstring(plot)


def test_hostile_names_are_escaped_everywhere():
    hostile = era([Suspect(HOSTILE), *(Suspect(f"acct-{n}") for n in range(20))], epoch=HOSTILE, family=HOSTILE)
    question = Question((hostile,), (Cluster(HOSTILE, frozenset({HOSTILE, "acct-1"})),))
    marked = text(Random(9), 1500, of=hostile, account=HOSTILE)
    single = of_text(marked, question, scores=True, windows=True, name=HOSTILE)
    many = of_corpus([marked, text(Random(10), 300)], question, scores=True)
    assert single["verdict"]["accounts"][0]["account"] == HOSTILE
    for report in (single, many):
        shown = html(report)
        parsed = Tags()
        parsed.feed(shown)
        assert "script" not in parsed.tags
        assert "&lt;script&gt;" in shown
        assert not re.search("[\x1b\u202e]", shown + page(report))


def test_hostile_names_in_the_registry_are_escaped_too():
    holders = tuple(Holder(f"{HOSTILE} {number}", 1, 1, 9, 40, 0) for number in range(600))
    found = Fingerprints(Searched(9, [HOSTILE]), holders, (Held(HOSTILE, holders),), 1, 0)
    made = section(found, [HOSTILE], details=True, corpus=True)
    result = examine(HOSTILE, text(Random(11)), QUESTION, lambda _: 1)
    report = report_of(result, QUESTION, CONTEXT, scores=True, registry=made)
    parsed = Tags()
    parsed.feed(html(report))
    assert "script" not in parsed.tags
    assert not re.search("[\x1b\u202e]", html(report) + page(report))
    assert "And 100 more accounts" in html(report)
    assert "and 580 more accounts" in page(report)
    assert len(report["registry"]["holders"]) == 600


def test_the_page_is_one_page():
    shown = page(REPORTS["attributed"]())
    assert shown.startswith("verdict    attributed (fired)\naccount    acct-0  p ")
    assert len(shown.splitlines()) < 40
    assert "Note: a note." in shown


def test_a_corpus_says_how_many_with_an_interval():
    report = REPORTS["corpus"]()
    marked = report["documents"]["marked"]
    assert marked["count"] == 3
    assert marked["interval_95"][0] < marked["share"] <= marked["interval_95"][1]
    assert report["documents"]["fired_count"] == 3
    assert len(report["scores"]["documents"]) == 3
    assert report["documents"]["pooled_verdict"]["name"] == "attributed"
