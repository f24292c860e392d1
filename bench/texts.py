"""What the matching of texts costs: the form, and form and search, beside a casefold and one RE2 search of the text."""

import time
from collections.abc import Callable
from itertools import cycle, islice
from random import Random

import re2

from bench.plan import Plan
from bench.report import ratio, spread, table
from bench.stage import Stage
from gateway.texts.form import matching_form
from gateway.texts.index import TextIndex
from gateway.texts.lexicons import LEXICONS
from gateway.texts.patterns import Pattern, Phrase, Regex

_SIZE = 4096
_CALLS = 100
_WORDS = (
    "cask", "still", "duty", "spirit", "warehouse", "officer", "gauge", "strength", "volume", "permit", "seal", "bond",
    "ledger", "excise", "copper", "malt", "grain", "water", "mash", "yeast", "heart", "feint", "proof", "barrel", "oak",
    "fill", "rack", "blend", "bottle", "label", "stamp", "crown", "keeper", "account",
)  # fmt: skip
_TEXTS = {
    "English": "The keeper enters every cask in the book of accounts; the officer gauges its strength.\n\n",
    "English, curly quotes": "The keeper’s book “lists” every cask; the officer — if present — gauges its strength.\n",
    "Russian": "Смотритель склада записывает каждую бочку в книгу, а чиновник измеряет крепость. ",
    "Russian and English": "Смотритель склада записывает каждую бочку (cask) в книгу, а чиновник измеряет proof. ",
    "Chinese": "仓库管理员登记每一个酒桶，酒税按照酒精度和体积计算。",
    "Arabic": "يسجل أمين المستودع كل برميل في دفتر الحسابات ويقيس الموظف قوته. ",
}


def texts(_stage: Stage, plan: Plan) -> str:
    """All work for one prompt of 4,096 characters, in turn; none of the 200 phrases and 20 expressions is in it."""
    index = TextIndex(_patterns())
    lexicons = TextIndex([pattern for patterns in LEXICONS.values() for pattern in patterns])
    one = re2.compile("hidden reasoning")
    rows = []
    for name, sentence in _TEXTS.items():
        text = "".join(islice(cycle(sentence), _SIZE))
        parts = [text[at : at + 512] for at in range(0, _SIZE, 512)]
        work: dict[str, Callable[[], object]] = {
            "fold": text.casefold,
            "one": lambda text=text: one.search(text),
            "form": lambda text=text: matching_form(text),
            "all": lambda text=text: index.search(text),
            "pieces": lambda parts=parts: index.search_pieces(parts),
            "lexicons": lambda text=text: lexicons.search(text),
        }
        found: dict[str, list[float]] = {key: [] for key in work}
        for window in range(2 * plan.request_windows + 1):
            for key, call in work.items():
                took = _timed(call)
                if window:  # the first one warms up
                    found[key].append(took)
        base = [fold + search for fold, search in zip(found["fold"], found["one"], strict=True)]
        rows.append([name, *(spread(found[key]) for key in work), ratio(found["all"], base)])
    header = (
        "prompt of 4,096 characters", "casefold", "one RE2 search", "form", "form and search", "the same in 8 pieces",
        "four lexicons", "form and search × casefold and one",
    )  # fmt: skip
    return table("Texts: µs per prompt, 200 phrases and 20 expressions, best / quartile / median", header, rows)


def _patterns() -> list[Pattern]:
    pick = Random(7)
    phrases = [Phrase(" ".join(pick.sample(_WORDS, pick.choice((2, 3, 4))))) for _ in range(200)]
    sources = [rf"{one}\s+(?:{two}|{three})\w*" for one, two, three in (pick.sample(_WORDS, 3) for _ in range(10))]
    sources += [rf"\b{one}\b.{{0,20}}\b{two}\b" for one, two in (pick.sample(_WORDS, 2) for _ in range(6))]
    sources += [r"sk-[a-z0-9]{20}", r"\d{3}-\d{2}-\d{4}", r"[a-z0-9._]+@[a-z0-9]+\.com", r"(a+)+!$"]
    return [*phrases, *map(Regex, sources)]


def _timed(work: Callable[[], object]) -> float:
    """Microseconds per call."""
    began = time.process_time_ns()
    for _ in range(_CALLS):
        work()
    return (time.process_time_ns() - began) / 1000 / _CALLS
