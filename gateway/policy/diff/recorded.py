"""One line of a decision log as a replay needs it. Schema: docs/decision-records.md."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from gateway.core.jsonio import JsonError, loads
from gateway.core.units import Unit
from gateway.observe.records import SCHEMA

_TEXTS: Final = ("id", "account", "org", "tier", "key_id", "dialect", "model", "outcome", "policy", "limit", "revision")
_COUNTS: Final = ("reserved_input_tokens", "reserved_output_tokens", "reserved_nano_usd", "cost_nano_usd")
_MOST: Final = 1 << 53
_LONGEST_MS: Final = 86_400_000
"""Longer requests end after a day: what is under way is kept in memory."""
_FACTS: Final[dict[str, tuple[type, ...]]] = {
    "country": (str,), "owner_country": (str,), "verified": (bool,), "declared_purpose": (str,), "tags": (list,),
    "account_age_s": (int, type(None)), "attested_age": (int,), "standing": (str,), "n": (int,), "logprobs": (bool,),
    "max_output": (int,), "prompt_tokens": (int,), "user_turns": (int,), "client_country": (str, type(None)),
    "top_logprobs": (int, type(None)), "temperature": (int, float, type(None)), "seed": (bool, type(None)),
    "reasoning": (bool, type(None)), "tools": (int, type(None)), "response_format": (str, type(None)),
    "messages": (int, type(None)), "images": (int, type(None)), "media": (int, type(None)), "odd": (list, type(None)),
}  # fmt: skip


class NotARecord(ValueError):  # noqa: N818 - named for what the line is
    """A line that a replay cannot use; the message never quotes it."""


@dataclass(slots=True)
class Recorded:
    """One request. `facts` is None where it never came to the policies."""

    id: str
    time_ms: int
    account: str
    org: str
    tier: str
    key_id: str
    dialect: str
    model: str
    outcome: str
    stream: bool
    policy: str
    limit: str
    revision: str
    facts: dict[str, Any] | None
    conditions: dict[str, tuple[str, bool | None]]
    """By policy/rule: the revision of its condition, and what it came to."""
    failing: dict[str, bool]
    """By policy/limit: whether it had no room."""
    reserved: dict[str, int]
    """By unit, of the limits that were touched."""
    reserved_input_tokens: int
    reserved_output_tokens: int
    reserved_nano_usd: int
    cost_nano_usd: int
    usage: dict[str, int] | None
    duration_ms: int


def read_record(line: bytes) -> Recorded:
    """Raises NotARecord."""
    try:
        given = loads(line)
    except JsonError:
        raise NotARecord("not JSON") from None
    if not isinstance(given, dict) or "schema" not in given:
        raise NotARecord("no decision record")
    if given["schema"] != SCHEMA:
        raise NotARecord(f"schema {SCHEMA} expected")
    texts: dict[str, Any] = {name: _of(given, name, str) for name in _TEXTS}
    counts: dict[str, Any] = {name: _count(given, name) for name in _COUNTS}
    limits = _parts(given, "limits")
    conditions = _parts(given, "conditions") if "conditions" in given else []
    return Recorded(
        **texts,
        **counts,
        time_ms=_time_ms(given.get("time")),
        stream=_of(given, "stream", bool),
        facts=_facts(given.get("facts")),
        conditions={_of(one, "rule", str): (_of(one, "revision", str), _truth(one.get("holds"))) for one in conditions},
        failing={f"{_of(one, 'policy', str)}/{_of(one, 'limit', str)}": _of(one, "failing", bool) for one in limits},
        reserved={_of(one, "unit", str): _count(one, "reserved") for one in limits},
        usage=_usage(given.get("usage")),
        duration_ms=_duration_ms(given.get("duration_s")),
    )


def _of(given: dict[str, Any], name: str, kind: type) -> Any:
    value = given.get(name)
    if type(value) is not kind:
        raise NotARecord(f"{name} is missing or of another type")
    return value


def _count(given: dict[str, Any], name: str) -> int:
    value = _of(given, name, int)
    if not 0 <= value < _MOST:
        raise NotARecord(f"{name} is no count")
    return int(value)


def _parts(given: dict[str, Any], name: str) -> list[dict[str, Any]]:
    parts: list[Any] = _of(given, name, list)
    if not all(isinstance(part, dict) for part in parts):
        raise NotARecord(f"{name} is of another type")
    return parts


def _truth(value: Any) -> bool | None:
    if value is not None and type(value) is not bool:
        raise NotARecord("conditions: holds is of another type")
    return value


def _duration_ms(value: Any) -> int:
    if type(value) not in (int, float) or not 0 <= value < _MOST:
        raise NotARecord("duration_s is no duration")
    milliseconds: int = round(value * 1000)
    return min(milliseconds, _LONGEST_MS)


def _time_ms(value: Any) -> int:
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise NotARecord("time has no offset")
        return round(moment.timestamp() * 1000)
    except (TypeError, ValueError, OverflowError):
        raise NotARecord("time is no time") from None


def _facts(value: Any) -> dict[str, Any] | None:
    if value is None:
        return None
    if not isinstance(value, dict) or any(type(value.get(name)) not in kinds for name, kinds in _FACTS.items()):
        raise NotARecord("facts are missing or of another type")
    if not all(type(word) is str for word in (*value["tags"], *(value.get("odd") or ()))):
        raise NotARecord("facts: tags or odd are of another type")
    return dict.fromkeys(_FACTS) | value  # what may be null may as well be absent


def _usage(value: Any) -> dict[str, int] | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise NotARecord("usage is of another type")
    return {
        Unit.INPUT_TOKENS: _count(value, "input_tokens"),
        Unit.OUTPUT_TOKENS: _count(value, "output_tokens"),
        Unit.REASONING_TOKENS: _count(value, "reasoning_tokens"),
    }
