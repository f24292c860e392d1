"""What the text rules of the shipped policies find, and the tables of it in docs/shipped-policies.md.

`python -m tests.support.policy_report` writes the tables anew; it needs the corpora.
"""

import statistics
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from random import Random
from typing import Final

from gateway.policy.recent import Tally
from tests.support import benign_gate as gate
from tests.support.corpora import BENIGN, held_out, rows, trial
from tests.support.lexicon_report import wilson
from tests.support.markdown import ROOT

PAGE: Final = ROOT / "docs" / "shipped-policies.md"
MARKS: Final = ("<!-- measured: begin -->", "<!-- measured: end -->")
KIND_OF: Final = {
    "reasoning-traces/harvest": "cot",
    "training-material/rubric-grading": "rubric",
    "training-material/instruction-generation": "instruction_generation",
    "training-material/policy-rewriting": "policy_rewrite",
}
"""A rule, and the file of what it is meant to find."""
OTHERS: Final = ("acceptable-use/weapons", "acceptable-use/malware")
SHARES: Final = (1.0, 0.6, 0.4, 0.25, 0.1)
CALLS: Final = 400
ACCOUNTS: Final = 40
"""Made up for each share: the same rows in other orders."""


def benign(corpus: str) -> dict[str, tuple[int, int]]:
    """By rule: examples of every second row that match, and how many there are."""
    held = {row["id"] for row in rows(corpus)[1::2]} if corpus in BENIGN else set(gate.matches(corpus))
    matched = [rules for example, rules in gate.matches(corpus).items() if example in held]
    return {rule: (sum(rule in rules for rules in matched), len(matched)) for rule in (*KIND_OF, *OTHERS)}


@cache
def finds(kind: str) -> dict[str, frozenset[str]]:
    """Of every held-out row of a kind the rules that match it, alone in a request."""
    examples = [gate.example(row) for row in rows(kind) if held_out(kind, row)]
    return {one.id: frozenset(gate.play([one]).matches[one.id]) for one in examples}


def recall(rule: str) -> tuple[int, int, int, int]:
    """Rows found and all, trials found whole and all."""
    kind = KIND_OF[rule]
    hits = {example: rule in rules for example, rules in finds(kind).items()}
    trials: dict[str, list[bool]] = {}
    for row in rows(kind):
        if row["id"] in hits:
            trials.setdefault(trial(kind, row), []).append(hits[row["id"]])
    return sum(hits.values()), len(hits), sum(map(all, trials.values())), len(trials)


def until(rule: str, share: float) -> tuple[int, float | None]:
    """Accounts of which this share of the calls is of the rule's kind: how many it acts on, after how many calls."""
    bits = [rule in rules for rules in finds(KIND_OF[rule]).values()]
    policy_id, name = rule.split("/")
    (policy,) = (one for one in gate.in_force().compiled if one.id == policy_id)
    (wanted,) = (one.share for one in policy.rules if one.name == name)
    assert wanted is not None
    firsts = []
    for seed in range(ACCOUNTS):
        random, tally = Random(seed), Tally()
        for call in range(1, CALLS + 1):
            met = random.random() < share and random.choice(bits)
            if tally.reached(wanted.at_least, wanted.calls, met=met):
                firsts.append(call)
                break
            tally.count(met=met, over=wanted.calls)
    return len(firsts), statistics.median(firsts) if firsts else None


def text() -> str:
    """What stands between the marks."""
    return "\n".join([*_benign_table(), "", *_recall_table(), "", *_account_table()])


def _benign_table() -> Iterator[str]:
    rules = (*KIND_OF, *OTHERS)
    yield "### Ordinary requests"
    yield ""
    yield f"| corpus | examples | {' | '.join(f'`{rule}`' for rule in rules)} | accounts acted on |"
    yield f"|---|---:|{'---:|' * (len(rules) + 1)}"
    sums = dict.fromkeys(rules, (0, 0))
    for corpus in sorted(BENIGN):
        counts = benign(corpus)
        sums = {rule: (sums[rule][0] + counts[rule][0], sums[rule][1] + counts[rule][1]) for rule in rules}
        yield _row(f"`{corpus}`", list(counts.values()), sum(gate.acted(corpus).values()))
    yield _row("**all**", list(sums.values()), sum(sum(gate.acted(corpus).values()) for corpus in BENIGN))


def _row(name: str, counts: Sequence[tuple[int, int]], acted: int) -> str:
    return f"| {name} | {counts[0][1]:,} | {' | '.join(f'{hits}: {_share(hits, n)}' for hits, n in counts)} | {acted} |"


def _recall_table() -> Iterator[str]:
    yield "### Requests of the kind that a rule looks for"
    yield ""
    yield "| rule | found | share (interval) | whole trials |"
    yield "|---|---:|---:|---:|"
    for rule in KIND_OF:
        hits, number, whole, trials = recall(rule)
        yield f"| `{rule}` | {hits} of {number} | {_share(hits, number)} | {whole} of {trials} |"


def _account_table() -> Iterator[str]:
    yield "### Accounts"
    yield ""
    yield f"| rule | {' | '.join(f'{share:.0%} of its calls' for share in SHARES)} |"
    yield f"|---|{'---:|' * len(SHARES)}"
    for rule in KIND_OF:
        yield f"| `{rule}` | {' | '.join(_until(*until(rule, share)) for share in SHARES)} |"


def _until(acted: int, call: float | None) -> str:
    return "none" if call is None else f"{acted} of {ACCOUNTS}, call {call:.0f}"


def _share(hits: int, number: int) -> str:
    low, high = wilson(hits, number)
    return f"{100 * hits / number:.1f} % ({100 * low:.1f}–{100 * high:.1f})"


def written() -> str:
    """What stands there now."""
    page = PAGE.read_text()
    begin, end = (page.index(mark) for mark in MARKS)
    return page[begin + len(MARKS[0]) : end].strip()


def main() -> int:
    page = PAGE.read_text()
    begin, end = (page.index(mark) for mark in MARKS)
    PAGE.write_text(f"{page[: begin + len(MARKS[0])]}\n\n{text()}\n\n{page[end:]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
