"""The decision record: what was decided about one request and why, without a word of its content.

The schema is in docs/decision-records.md and is checked against this file. A record is written once, when its
exchange is over, and not changed afterwards: sinks keep and serialise it later.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, Final

from gateway.core.jsonio import dumps
from gateway.core.usage import Usage
from gateway.observe.facts import FactsRecord
from gateway.observe.log import redact

SCHEMA: Final = 1
MAX_TEXT: Final = 128
MAX_LIST: Final = 64


@dataclass(slots=True)
class LimitRecord:
    """One limit a request touched, right after its reserve. `reserved` and `remaining` are in `unit`."""

    policy: str
    limit: str
    unit: str
    reserved: int
    remaining: int
    failing: bool = False
    mode: str = "enforce"


@dataclass(slots=True)
class FindingRecord:
    """What one rule said: what it did, whether that counted (mode), the reason code, and the term it encodes."""

    policy: str
    rule: str
    action: str
    mode: str
    reason: str
    clause: str = ""


@dataclass(slots=True)
class ConditionRecord:
    """What came of a rule's condition that looks at what no record holds; null where nobody could know.

    `rule` is policy/rule; `revision` is the condition's own, and changes with what the rule looks for.
    """

    rule: str
    revision: str
    holds: bool | None


@dataclass(slots=True)
class OutputRecord:
    """What came of one rule on the answer, see docs/output-rules.md."""

    policy: str
    rule: str
    action: str
    mode: str
    state: str
    why: str = ""
    ended: bool = False
    late: bool = False


@dataclass(slots=True)
class MarkRecord:
    """The answer's mark, where a policy asks for one; `why` says why there is none. Nothing here tells a sign."""

    result: str
    why: str = ""
    epoch: str = ""
    family: str = ""
    list_index: int = 0
    strength: float = 0.0


@dataclass(slots=True)
class DecisionRecord:
    """One request. Ids, codes and numbers only: there is no field that could hold a prompt, an answer or a key.

    `model` is a configured model's id, never the caller's spelling of one; empty when none was found.
    """

    id: str
    time_ms: int
    request_id: str
    route: str
    status: int
    outcome: str
    version: str
    account: str = ""
    org: str = ""
    tier: str = ""
    key_id: str = ""
    dialect: str = ""
    model: str = ""
    upstream: str = ""
    attempts: int = 0
    stream: bool = False
    reason: str = ""
    policy: str = ""
    limit: str = ""
    revision: str = ""
    clause: str = ""
    findings: tuple[FindingRecord, ...] = ()
    conditions: tuple[ConditionRecord, ...] = ()
    output: tuple[OutputRecord, ...] = ()
    tags: tuple[str, ...] = ()
    delay_s: int = 0
    reduced: tuple[str, ...] = ()
    mark: MarkRecord | None = None
    facts: FactsRecord | None = None
    limits: tuple[LimitRecord, ...] = ()
    usage: Usage | None = None
    contradicted: bool = False
    reserved_input_tokens: int = 0
    reserved_output_tokens: int = 0
    reserved_nano_usd: int = 0
    cost_nano_usd: int = 0
    duration_s: float = 0.0
    overhead_s: float = 0.0
    ttfb_s: float | None = None
    client_abort_phase: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The record as plain values, in the order of the schema; durations rounded to the microsecond."""
        return {"schema": SCHEMA, **_RECORD(self)}

    def as_line(self) -> bytes:
        """One JSON object and a newline."""
        return dumps(self.as_dict()) + b"\n"


def _text(text: str) -> str:
    """Ids are short; whatever else a mistake may put here is cut, cleared of keys and of what UTF-8 cannot say."""
    # Every key has "sk-" in it, in some case; nearly every text passes here.
    if len(text) <= MAX_TEXT and "k-" not in text and "K-" not in text and text.isascii():
        return text
    return redact(text, MAX_TEXT).encode("utf-8", "replace").decode("utf-8")


def _members(kind: type, **special: Callable[[Any], object]) -> Callable[[object], dict[str, object]]:
    """How to make a dictionary of a dataclass: the plan is made once, since every request's record needs it."""
    by_type: dict[object, Callable[[Any], object]] = {str: _text, float: lambda value: round(value, 6)}
    converters = [special.get(field.name) or by_type.get(field.type) for field in fields(kind)]
    names = [field.name.removesuffix("_ms") for field in fields(kind)]
    plan = list(zip(names, converters, strict=True))
    values_of = attrgetter(*(field.name for field in fields(kind)))

    def members(value: object) -> dict[str, object]:
        return {
            name: member if convert is None else convert(member)
            for (name, convert), member in zip(plan, values_of(value), strict=True)
        }

    return members


def _limit(limit: LimitRecord) -> dict[str, object]:
    """By hand, because a record has many of them."""
    return {
        "policy": _text(limit.policy),
        "limit": _text(limit.limit),
        "unit": _text(limit.unit),
        "reserved": limit.reserved,
        "remaining": limit.remaining,
        "failing": limit.failing,
        "mode": _text(limit.mode),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _listed(member: Callable[[Any], object]) -> Callable[[tuple[Any, ...]], list[object]]:
    return lambda values: [member(value) for value in values[:MAX_LIST]]


_USAGE: Final = _members(Usage)
_MARK: Final = _members(MarkRecord)
_NAMES: Final = _listed(_text)
_FACTS: Final = _members(
    FactsRecord,
    tags=_listed(_text),
    odd=lambda names: None if names is None else _NAMES(names),
    temperature=_rounded,
    client_country=lambda country: None if country is None else _text(country),
    response_format=lambda form: None if form is None else _text(form),
)
_RECORD: Final = _members(
    DecisionRecord,
    time_ms=lambda ms: datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds"),
    findings=_listed(_members(FindingRecord)),
    conditions=_listed(_members(ConditionRecord)),
    output=_listed(_members(OutputRecord)),
    tags=_listed(_text),
    reduced=_listed(_text),
    mark=lambda mark: None if mark is None else _MARK(mark),
    facts=lambda facts: None if facts is None else _FACTS(facts),
    limits=_listed(_limit),
    usage=lambda usage: None if usage is None else _USAGE(usage),
    ttfb_s=_rounded,
)
