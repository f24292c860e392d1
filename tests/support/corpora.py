"""Samples of ordinary and of notable prompts, where a checkout has them beside it: `../shared/data`. See its README.

None of it is recorded attack traffic: accounts that look like a campaign are composed here, from text that is harmless
one by one. Nothing is copied into this repository.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
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
        "instruction_generation": lambda row: (
            "-".join(row["id"].split("-")[1:-1]) if "boot" in row["id"] else form(row)
        ),
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
