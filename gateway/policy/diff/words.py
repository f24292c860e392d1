"""What differs between two policy sets, in words: policies, their rules and numbers, and what they share."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import BaseModel

from gateway.limit_grammar import budget_spec, limit_spec
from gateway.policy.compile import PolicySet
from gateway.policy.definitions import Definitions
from gateway.policy.model import Policy
from gateway.policy.words import size, window

_NAMED: Final = ("limits", "budgets", "rules", "output")
"""Blocks of a policy that hold entries by name."""
_DURATIONS: Final = ("window", "hold", "slow")
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing. `policy` is empty for what policies share; `before` or `after` is empty where it was not there."""

    policy: str
    what: str
    before: str
    after: str

    def __str__(self) -> str:
        where = f"{self.policy}: " if self.policy else ""
        if not self.before:
            return f"{where}{self.what} added: {self.after}"
        if not self.after:
            return f"{where}{self.what} removed: {self.before}"
        return f"{where}{self.what}: {self.before} → {self.after}"


def differences(old: PolicySet, new: PolicySet) -> list[Difference]:
    """In the order of policies and of the keys in their files."""
    before = {policy.id: policy for policy in old.policies}
    after = {policy.id: policy for policy in new.policies}
    found: list[Difference] = []
    for name in sorted({*before, *after}):
        one, other = before.get(name), after.get(name)
        if one is None or other is None:
            found.append(Difference(name, "policy", _headline(one), _headline(other)))
        else:
            found += _changes(one, other)
    return [*found, *_shared(old.definitions, new.definitions)]


def _headline(policy: Policy | None) -> str:
    return "" if policy is None else f"{policy.title} ({policy.effective_mode})"


def _changes(one: Policy, other: Policy) -> Iterator[Difference]:
    if one.effective_mode != other.effective_mode:
        yield Difference(one.id, "mode", one.effective_mode, other.effective_mode)
    before, after = _plain(one), _plain(other)
    # The mode in force was told already; where it is written down or not says nothing more.
    for key in dict.fromkeys((*before, *after)):
        if key in _NAMED:
            yield from _entries(one, other, key)
        elif key == "watermark":
            yield from _marks(one, other)
        elif key not in ("mode", "match") and before.get(key) != after.get(key):
            yield from _keys(one.id, key, before.get(key), after.get(key))
    if before["match"] != after["match"]:
        yield Difference(one.id, "match", written(before["match"]), written(after["match"]))


def _plain(policy: Policy) -> dict[str, Any]:
    plain = policy.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
    return {**plain, "match": plain.get("match") or "all"}


def _entries(one: Policy, other: Policy, block: str) -> Iterator[Difference]:
    before: Mapping[str, BaseModel] = getattr(one, block)
    after: Mapping[str, BaseModel] = getattr(other, block)
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            was, is_now = _entry(block, before.get(name)), _entry(block, after.get(name))
            yield Difference(one.id, f"{block}.{name}", was, is_now)


def _entry(block: str, entry: Any) -> str:
    """A limit or budget as refusals say it, a rule about as it stands in its file."""
    if entry is None:
        return ""
    if block not in ("limits", "budgets"):
        return written(entry.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True))
    spec = limit_spec(entry, shadow=False) if block == "limits" else budget_spec(entry, shadow=False)
    more = [f"per {entry.per}"]
    if entry.models != "all":
        more.append("for each model" if entry.models == "each" else f"on {', '.join(entry.models)}")
    if block == "budgets":
        more.append(f"from day {entry.anchor_day} in {entry.zone}" if entry.anchor_day else f"in {entry.zone}")
    return " ".join([size(spec), *more])


def _marks(one: Policy, other: Policy) -> Iterator[Difference]:
    """With what was left to its default, so that a stronger mark shows both numbers."""
    before, after = (
        None if block is None else block.model_dump(mode="json", exclude_none=True)
        for block in (one.watermark, other.watermark)
    )
    if before is None or after is None:
        yield Difference(one.id, "watermark", _said(before), _said(after))
    else:
        yield from _keys(one.id, "watermark", before, after)


def _keys(policy: str, key: str, before: Any, after: Any) -> Iterator[Difference]:
    """Of a mapping only the keys that differ."""
    if isinstance(before or after, dict) and isinstance(after or before, dict):
        one, other = before or {}, after or {}
        for name in dict.fromkeys((*one, *other)):
            if one.get(name) != other.get(name):
                what = f"{key}.{name}"
                yield Difference(policy, what, _said(one.get(name), name), _said(other.get(name), name))
    else:
        yield Difference(policy, key, _said(before, key), _said(after, key))


def _shared(old: Definitions, new: Definitions) -> Iterator[Difference]:
    for block in ("fragments", "words", "terms"):
        before, after = getattr(old, block), getattr(new, block)
        for name in sorted({*before, *after}):
            one, other = before.get(name), after.get(name)
            if one != other:
                what = f"definitions.{block}.{name}"
                if block == "words" and one is not None and other is not None:
                    yield Difference("", what, *_words_apart(one, other))
                else:
                    yield Difference("", what, _said(_dumped(one)), _said(_dumped(other)))


def _words_apart(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, str]:
    """Of a word list its length and what is in one of them alone: lists are long."""
    gone, come = sorted(set(one) - set(other)), sorted(set(other) - set(one))
    before = f"{len(one)} words" + (f", with {', '.join(gone)}" if gone else "")
    after = f"{len(other)} words" + (f", with {', '.join(come)}" if come else "")
    return _short(before), _short(after)


def _dumped(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_unset=True)
    return list(value) if isinstance(value, tuple) else value


def _said(value: Any, key: str = "") -> str:
    return "" if value is None else _short(written(value, key))


def written(value: Any, key: str = "") -> str:
    """Plain data about as a policy file says it, on one line."""
    if isinstance(value, dict):
        if set(value) == {"word"}:
            return str(value["word"])  # an action that is one word is written as such
        return _short("{" + ", ".join(f"{name}: {written(inner, name)}" for name, inner in value.items()) + "}")
    if isinstance(value, list | tuple):
        return _short("[" + ", ".join(written(inner) for inner in value) + "]")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and key in _DURATIONS:
        return window(value)
    if isinstance(value, int) and key == "until":
        return datetime.fromtimestamp(value / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return str(value)


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
