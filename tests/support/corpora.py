"""Samples of ordinary and of notable prompts, where a checkout has them beside it: `../shared/data`. See its README.

None of it is recorded attack traffic: accounts that look like a campaign are composed here, from text that is harmless
one by one. Nothing is copied into this repository.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest

_FOLDER = Path(__file__).parents[3] / "shared" / "data"

needs_corpora = pytest.mark.skipif(not (_FOLDER / "benign").is_dir(), reason="no ../shared/data beside this checkout")

BENIGN = (
    "clinc", "banking77", "oasst_en", "bfcl_live", "humaneval", "gsm8k_test", "sgd_dialogues", "tau_airline",
    "t0_pipelines",
)  # fmt: skip
ELICITATION = ("cot", "rubric", "instruction_generation", "policy_rewrite")
TUNED_WRAPPERS = frozenset({"w01", "w02", "w03", "w05", "w07", "w09", "w11", "w13", "w15"})
"""Wrappers of `cot` that were looked at while the lexicon was written: all English ones, one of each other language."""
TUNED_FORMS = frozenset({"biggen", "vicuna"})
LEXICON_KINDS = {
    "reasoning": "cot",
    "rubric": "rubric",
    "instructions": "instruction_generation",
    "policy_rewrite": "policy_rewrite",
}
"""A lexicon, and the file of what it is meant to find."""


@cache
def rows(name: str) -> list[dict[str, Any]]:
    folder = "benign" if name in BENIGN else "elicitation"
    return [json.loads(line) for line in (_FOLDER / folder / f"{name}.jsonl").read_text().splitlines()]


def turns(row: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """What a request of this row would end with, and its user turns: one for each turn of a dialogue."""
    messages = row.get("messages") or [{"role": "user", "content": row["text"]}]
    texts = [message["content"] for message in messages if message["role"] == "user"]
    yield from ((text, number) for number, text in enumerate(texts, 1))


def groups(name: str) -> list[list[dict[str, Any]]]:
    """Rows that one account would send: a pipeline, a wrapper, a form; else all of a file, shuffled as users mix."""
    keys: dict[str, Callable[[dict[str, Any]], str]] = {
        "t0_pipelines": lambda row: row["pipeline"],
        "cot": wrapper,
        "rubric": form,
        "instruction_generation": instruction_form,
    }
    if name not in keys:
        return [Random(7).sample(rows(name), len(rows(name)))]
    found = defaultdict(list)
    for row in rows(name):
        found[keys[name](row)].append(row)
    return list(found.values())


def wrapper(row: dict[str, Any]) -> str:
    return row["id"].split("-")[2]


def form(row: dict[str, Any]) -> str:
    return row["id"].split("-")[1]


def instruction_form(row: dict[str, Any]) -> str:
    return "-".join(row["id"].split("-")[1:-1]) if "boot" in row["id"] else form(row)


def trial(kind: str, row: dict[str, Any]) -> str:
    """What rows share so much of that they are one trial: a wrapper, a form, a language of `policy_rewrite`."""
    of = {"cot": wrapper, "rubric": form, "instruction_generation": instruction_form, "policy_rewrite": form}
    return of[kind](row)


def held_out(kind: str, row: dict[str, Any]) -> bool:
    """Whether the words were written without it.

    For `cot` and `rubric` by the lists above, which are older. For the others a wrapper, form or language is held out
    if the first byte of its SHA-256 is odd; English rows of `policy_rewrite` one by one, or English would be untested.
    """
    if kind == "cot":
        return wrapper(row) not in TUNED_WRAPPERS
    if kind == "rubric":
        return form(row) not in TUNED_FORMS
    key = row["id"] if (kind, form(row)) == ("policy_rewrite", "en") else trial(kind, row)
    return bool(sha256(f"{kind}:{key}".encode()).digest()[0] & 1)
