"""Lint of whom a policy covers: words that name nobody, and matches that can never hold."""

from collections.abc import Iterable, Iterator
from typing import Final

from gateway.core.model import Model
from gateway.policy.lint import Complaints, Path, Rule, Scene
from gateway.policy.load import PolicyFile
from gateway.policy.matching import matches, names_model
from gateway.policy.model import Match
from gateway.validate import nearest

_PATTERNS: Final = ("model",)


def never_holds(file: PolicyFile, _scene: Scene) -> Complaints:
    match = file.policy.match
    path: Path = ("match",)
    while match is not None and match.not_ is not None:
        if _covers(match.not_, match):
            yield (*path, "not"), "the match can never hold: `not` takes away everything that it selects"
        match, path = match.not_, (*path, "not")


def unknown_words(file: PolicyFile, scene: Scene) -> Complaints:
    known = scene.known
    for key, words in (("tier", known.tiers), ("account", known.accounts), ("org", known.orgs)):
        if words is not None:
            for path, match in _matches(file.policy.match):
                yield from _unknown(getattr(match, key), (*path, key), key, words)
    if known.accounts is not None:
        for index, exempt in enumerate(file.policy.exceptions):
            yield from _unknown((exempt.account,), ("exceptions", index, "account"), "account", known.accounts)


def unknown_models(file: PolicyFile, scene: Scene) -> Complaints:
    models = scene.known.models
    if models is None:
        return
    policy = file.policy
    named: list[tuple[Path, tuple[str, ...] | None]] = [
        ((*path, "model"), match.model) for path, match in _matches(policy.match)
    ]
    if policy.access is not None:
        named.append((("access", "models"), policy.access.models))
    for block, rules in (("limits", policy.limits), ("budgets", policy.budgets)):
        named += [
            ((block, name, "models"), rule.models) for name, rule in rules.items() if not isinstance(rule.models, str)
        ]
    for path, patterns in named:
        yield from _unknown_patterns(patterns, path, models)


def unknown_dialects(file: PolicyFile, scene: Scene) -> Complaints:
    known = scene.known.dialects
    if known is None:
        return
    for path, match in _matches(file.policy.match):
        yield from _unknown(match.dialect, (*path, "dialect"), "dialect", known)
    if file.policy.access is not None:
        yield from _unknown(file.policy.access.dialects, ("access", "dialects"), "dialect", known)


def _matches(match: Match | None) -> Iterator[tuple[Path, Match]]:
    path: Path = ("match",)
    while match is not None:
        yield path, match
        match, path = match.not_, (*path, "not")


def _unknown(words: Iterable[str] | None, path: Path, kind: str, known: frozenset[str]) -> Complaints:
    for index, word in enumerate(words or ()):
        if word not in known:
            yield (*path, index), f"unknown {kind} '{word}'{nearest(word, known)}"


def _unknown_patterns(patterns: Iterable[str] | None, path: Path, models: tuple[Model, ...]) -> Complaints:
    for index, pattern in enumerate(patterns or ()):
        if not any(names_model((pattern,), model) for model in models):
            names = [model.id for model in models]
            yield (*path, index), f"'{pattern}' selects no model of the catalogue{nearest(pattern, names)}"


def _covers(outer: Match, inner: Match) -> bool:
    """Whether everything that `inner` selects, `not` left out, is selected by `outer`."""
    if outer.not_ is not None:
        return False
    given = [key for key in Match.model_fields if key != "not_" and getattr(outer, key) is not None]
    return all(_covers_key(key, getattr(outer, key), getattr(inner, key)) for key in given)


def _covers_key(key: str, outer: bool | tuple[str, ...], inner: bool | tuple[str, ...] | None) -> bool:
    if inner is None:
        return key in _PATTERNS and isinstance(outer, tuple) and "*" in outer
    if isinstance(outer, bool) or isinstance(inner, bool):
        return outer == inner
    if key in _PATTERNS:
        return all(any(matches(word, pattern) for pattern in outer) for word in inner)
    return set(inner) <= set(outer)


MATCH_RULES: Final = (
    Rule("P201", "match can never hold", "error", never_holds),
    Rule("P202", "unknown tier, account or org", "warning", unknown_words),
    Rule("P203", "unknown model", "error", unknown_models),
    Rule("P204", "unknown dialect", "error", unknown_dialects),
)
