"""Ordinary requests under the shipped policies, all of these in force whatever their mode: which rules match what.

    seen = play([Example("id", (said("What is the capital of Peru?"),))])

An ordinary account here is a developer's: not verified, without a declared purpose, with a tag by which the rules for
products of the public apply too, on a model whose terms forbid training. Nobody watches it, and it has asked a hundred
different questions this week. Composed, as all accounts of tests are: no recorded traffic is in it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from gateway.core.ask import Ask
from gateway.core.units import Unit
from gateway.policy.compile import PolicySet
from gateway.policy.definitions import read_definitions
from gateway.policy.inquiry import Inquiry
from gateway.policy.load import read_directory
from gateway.policy.output.watch import OutputWatch
from gateway.policy.plan import Plan
from gateway.policy.recent import AccountMemory, Used
from gateway.policy.situation import Situation
from tests.support.corpora import groups
from tests.support.inquiries import dialect_of
from tests.support.own_ordinary import PROMPTS
from tests.support.policies import NOW, model, principal

SHIPPED: Final = Path(__file__).parents[2] / "policies"
OWN: Final = "own"
"""The corpus that is always here."""
_CHAT: Final = dialect_of("chat")
_CALLER: Final = principal(id="ordinary", tier="developer", country="DE", tags=frozenset({"public-facing"}))
_MODEL: Final = model("m1", terms="closed-provider")
_PROMPTS_SO_FAR: Final = Used(Unit.DISTINCT_PROMPTS, 100, 2000)


@dataclass(frozen=True, slots=True)
class Example:
    """A prompt, or a dialogue: one request for each turn of its user, and what was answered."""

    id: str
    bodies: tuple[Mapping[str, Any], ...]
    answers: tuple[str, ...] = ()


@dataclass(slots=True)
class Seen:
    """What rules said to one account. Of examples by id: rules, as policy/rule, whose condition held."""

    matches: dict[str, set[str]] = field(default_factory=dict)
    acted: dict[str, int] = field(default_factory=dict)
    """The call on which a rule first did something, which a share does not do before its fiftieth."""
    not_evaluated: set[str] = field(default_factory=set)
    calls: int = 0


@cache
def in_force() -> PolicySet:
    """The shipped set in enforce mode."""
    policies = (file.policy.model_copy(update={"mode": "enforce"}) for file in read_directory(SHIPPED))
    return PolicySet(policies, read_definitions(SHIPPED))


def plan() -> Plan:
    """What applies to an ordinary account."""
    return in_force().plan(_CALLER, _CHAT.name, _MODEL, NOW)


def play(examples: Iterable[Example]) -> Seen:
    """All of one account's examples, one after the other."""
    seen, memory = Seen(), AccountMemory(used={"bulk-extraction/prompts-per-week": _PROMPTS_SO_FAR})
    for example in examples:
        matched = seen.matches[example.id] = set[str]()
        for body in example.bodies:
            matched |= _ask(body, memory, seen)
        for answer in example.answers:
            matched |= _hear(answer)
    return seen


def _ask(body: Mapping[str, Any], memory: AccountMemory, seen: Seen) -> set[str]:
    ask = _CHAT.read({"model": _MODEL.id, **body})
    assert isinstance(ask, Ask), ask
    here = plan()
    assert here.check(ask) is None, "an ordinary request is within what its tier may ask for"
    seen.calls += 1
    inquiry = Inquiry(
        here=Situation(_CALLER, _CHAT.name, _MODEL, NOW),
        ask=ask,
        read_texts=lambda: _CHAT.texts(ask.body),
        read_parameters=lambda: _CHAT.parameters(ask),
        headers={"user-agent": "openai-python/1.60.0"},
        read_address=lambda: ip_address("192.0.2.7"),
        country_of=lambda _: "DE",
        memory=memory,
        index=in_force().index,
    )
    matched = set[str]()
    for finding in here.judge(inquiry).findings:
        name = f"{finding.policy_id}/{finding.rule}"
        if finding.action == "not_evaluated":
            seen.not_evaluated.add(name)
        elif not finding.rule.startswith("access."):
            matched.add(name)
            if finding.action != "count":
                seen.acted.setdefault(name, seen.calls)
    return matched


def _hear(answer: str) -> set[str]:
    rules = plan().output
    assert rules is not None
    watch = OutputWatch(rules)
    watch.feed(0, answer)
    watch.finish()
    return {f"{found.rule.policy_id}/{found.rule.rule}" for found in watch.findings() if found.state != "clear"}


def accounts(corpus: str) -> Iterator[list[Example]]:
    """The examples of a corpus as accounts would send them: a pipeline each, or all users of a product."""
    if corpus == OWN:
        yield [Example(f"own-{number}", (said(text),)) for number, text in enumerate(PROMPTS, 1)]
        return
    for rows in groups(corpus):
        yield [example(row) for row in rows]


def example(row: Mapping[str, Any]) -> Example:
    """A row of the corpora."""
    if "text" in row:
        return Example(row["id"], (said(row["text"]),))
    messages: Sequence[Mapping[str, Any]] = row["messages"]
    ends = [place + 1 for place, message in enumerate(messages) if message["role"] == "user"]
    bodies = tuple({"messages": messages[:end]} for end in ends)
    return Example(row["id"], bodies, tuple(one["content"] for one in messages if one["role"] == "assistant"))


def said(text: str) -> Mapping[str, Any]:
    """A request that says this."""
    return {"messages": [{"role": "user", "content": text}]}


@cache
def matches(corpus: str) -> Mapping[str, frozenset[str]]:
    """Of every example of a corpus the rules that matched."""
    found = {}
    for one in accounts(corpus):
        found |= {name: frozenset(rules) for name, rules in play(one).matches.items()}
    return found


@cache
def acted(corpus: str) -> Mapping[str, int]:
    """The accounts of a corpus on which a rule did something, by rule."""
    found: dict[str, int] = defaultdict(int)
    for one in accounts(corpus):
        for rule in play(one).acted:
            found[rule] += 1
    return found
