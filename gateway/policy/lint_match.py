"""Lint of whom a policy covers: words that name nobody, and matches that can never hold."""

from collections.abc import Iterable
from typing import Final

from gateway.core.model import Model
from gateway.dialects import DIALECTS
from gateway.policy.blocks import Match, WhomKeys
from gateway.policy.lint import Complaints, Known, Path, Rule, Scene
from gateway.policy.lint_blocks import Blocks, blocks_of, fragment_blocks
from gateway.policy.load import PolicyFile
from gateway.policy.logic import contradiction, formula
from gateway.policy.names import matches, names_model
from gateway.validate import nearest

_PATTERNS: Final = ("model",)
_ROUTES: Final = frozenset(dialect.path for dialect in DIALECTS)


def never_holds(file: PolicyFile, scene: Scene) -> Complaints:
    match = file.policy.match
    path: Path = ("match",)
    found = False
    while match is not None and match.not_ is not None:
        if _covers(match.not_, match):
            yield (*path, "not"), "the match can never hold: `not` takes away everything that it selects"
            found = True
        match, path = match.not_, (*path, "not")
    facts = () if found else contradiction(formula(file.policy.match, scene.definitions))
    if facts:
        yield ("match",), f"the match can never hold: nothing is as it asks of {' and '.join(facts)}"


def unknown_words(file: PolicyFile, scene: Scene) -> Complaints:
    known = scene.known
    yield from _unknown_words(blocks_of(file.policy), known)
    if known.accounts is not None:
        for index, exempt in enumerate(file.policy.exceptions):
            yield from _unknown((exempt.account,), ("exceptions", index, "account"), "account", known.accounts)


def unknown_words_shared(scene: Scene) -> Complaints:
    yield from _unknown_words(fragment_blocks(scene), scene.known)


def _unknown_words(blocks: Blocks, known: Known) -> Complaints:
    kinds = (("tier", known.tiers), ("account", known.accounts), ("org", known.orgs))
    for path, block in blocks:
        for key, words in kinds:
            if words is not None:
                yield from _unknown(getattr(block, key), (*path, key), key, words)


def unknown_models(file: PolicyFile, scene: Scene) -> Complaints:
    models = scene.known.models
    if models is None:
        return
    policy = file.policy
    named: list[tuple[Path, tuple[str, ...] | None]] = [
        ((*path, "model"), block.model) for path, block in blocks_of(policy)
    ]
    if policy.access is not None:
        named.append((("access", "models"), policy.access.models))
    for block, rules in (("limits", policy.limits), ("budgets", policy.budgets)):
        named += [
            ((block, name, "models"), rule.models) for name, rule in rules.items() if not isinstance(rule.models, str)
        ]
    for path, patterns in named:
        yield from _unknown_patterns(patterns, path, models)


def unknown_models_shared(scene: Scene) -> Complaints:
    for path, block in fragment_blocks(scene):
        if scene.known.models is not None:
            yield from _unknown_patterns(block.model, (*path, "model"), scene.known.models)


def unknown_dialects(file: PolicyFile, scene: Scene) -> Complaints:
    known = scene.known.dialects
    if known is None:
        return
    for path, block in blocks_of(file.policy):
        yield from _unknown(block.dialect, (*path, "dialect"), "dialect", known)
    if file.policy.access is not None:
        yield from _unknown(file.policy.access.dialects, ("access", "dialects"), "dialect", known)


def unknown_dialects_shared(scene: Scene) -> Complaints:
    for path, block in fragment_blocks(scene):
        if scene.known.dialects is not None:
            yield from _unknown(block.dialect, (*path, "dialect"), "dialect", scene.known.dialects)


def unknown_places(file: PolicyFile, scene: Scene) -> Complaints:
    yield from _unknown_places(blocks_of(file.policy), scene.known)


def unknown_places_shared(scene: Scene) -> Complaints:
    yield from _unknown_places(fragment_blocks(scene), scene.known)


def _unknown_places(blocks: Blocks, known: Known) -> Complaints:
    models = known.models
    for path, block in blocks:
        yield from _unknown(block.route, (*path, "route"), "route", _ROUTES)
        if models is not None:
            families = frozenset(model.family for model in models if model.family)
            yield from _unknown(block.family, (*path, "family"), "family", families)
            upstreams = frozenset(name for model in models for name in model.upstreams)
            yield from _unknown(block.upstream, (*path, "upstream"), "upstream", upstreams)


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
    """Whether everything that `inner` selects, `not` left out, is surely selected by `outer`."""
    if outer.not_ is not None or outer.all is not None or outer.any is not None or outer.use is not None:
        return False
    given = [key for key in WhomKeys.model_fields if getattr(outer, key) is not None]
    return all(_covers_key(key, getattr(outer, key), getattr(inner, key)) for key in given)


def _covers_key(key: str, outer: object, inner: object) -> bool:
    if inner is None:
        return key in _PATTERNS and isinstance(outer, tuple) and "*" in outer
    if not isinstance(outer, tuple) or not isinstance(inner, tuple):
        return outer == inner
    if key in _PATTERNS:
        return all(any(matches(word, pattern) for pattern in outer) for word in inner)
    return set(inner) <= set(outer)


MATCH_RULES: Final = (
    Rule("P201", "match can never hold", "error", never_holds),
    Rule("P202", "unknown tier, account or org", "warning", unknown_words, unknown_words_shared),
    Rule("P203", "unknown model", "error", unknown_models, unknown_models_shared),
    Rule("P204", "unknown dialect", "error", unknown_dialects, unknown_dialects_shared),
    Rule("P209", "unknown route, family or upstream", "error", unknown_places, unknown_places_shared),
)
