"""What the rule phase costs a request: the plan for its caller, and what all its rules say to its text."""

import time
from collections.abc import Callable
from itertools import cycle, islice

import re2

from bench.plan import Plan
from bench.policy_memory import memory
from bench.policy_reload import reload
from bench.policy_set import caller, exchanges, policies, policy_set, text_policy
from bench.report import ratio, spread, table
from bench.stage import Stage
from bench.statistics import lower_quartile
from gateway.policy.compile import PolicySet
from gateway.policy.recent import Recent
from gateway.rulebook import RuleBook

_CALLS = 200
_PROMPT = "".join(islice(cycle("The keeper enters every cask in the book; the officer gauges its strength.\n"), 4096))
_SIZES = ((10, 1), (100, 10), (1000, 100))
"""Policies, and those of them that cover the caller, with three rules and limits in all."""


async def policy(stage: Stage, plan: Plan) -> str:
    """The rule phase, then memory, then a reload under load."""
    return "\n".join([_rule_phase(plan), _first_plan(plan), memory(), await reload(stage, plan)])


def _rule_phase(plan: Plan) -> str:
    one = re2.compile("hidden reasoning")
    rows = []
    for size, covering in _SIZES:
        files = policies(size, covering)
        plain, texts = policy_set(files), policy_set({**files, "texts": text_policy()})
        book, found = RuleBook(recent=Recent()), {"re2": list[float](), "plain": list[float](), "texts": list[float]()}
        for turn in range(2 * plan.request_windows + 1):
            took = {
                "re2": _timed(lambda: [one.search(_PROMPT) for _ in range(_CALLS)]),
                "plain": _asked(book, plain),
                "texts": _asked(book, texts),
            }
            for name, each in took.items():
                if turn:  # the first one warms up, and makes the plan
                    found[name].append(each)
        rows.append([
            f"{size:,}, of which {covering} cover", *(spread(some) for some in found.values()),
            ratio(found["texts"], found["re2"]),
        ])  # fmt: skip
    header = (
        "policies", "one RE2 search", "rules without text", "with 200 phrases and 20 expressions",
        "with them × one RE2 search",
    )  # fmt: skip
    return table("Rule phase: µs per request with a prompt of 4,096 characters, best / quartile / median", header, rows)


def _asked(book: RuleBook, rules: PolicySet) -> float:
    waiting = exchanges(rules, _PROMPT, _CALLS)

    def work() -> None:
        for x in waiting:
            if book.rule(x) is not None:
                raise RuntimeError("a rule of the bench refused")

    return _timed(work)


def _first_plan(plan: Plan) -> str:
    """Nothing is remembered after a reload: the first request of each key makes its plan."""
    rows = []
    for size, covering in _SIZES:
        rules = policy_set(policies(size, covering))
        made: list[float] = []
        for turn in range(plan.request_windows + 1):
            callers = [caller(f"{turn}-{number}") for number in range(10)]
            took = _timed(lambda callers=callers, rules=rules: [rules.plan(*one, 0) for one in callers], len(callers))
            if turn:
                made.append(took / 1000)
        rows.append([f"{size:,}, of which {covering} cover", f"{min(made):.2f} / {lower_quartile(made):.2f}"])
    return table("A key's first request after a reload: ms for its plan, best / quartile", ("policies", "plan"), rows)


def _timed(work: Callable[[], object], calls: int = _CALLS) -> float:
    """Microseconds of CPU per call."""
    began = time.process_time_ns()
    work()
    return (time.process_time_ns() - began) / 1000 / calls
