"""From checked policies to an immutable set that answers with a plan."""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from gateway.core.account import Account, Principal
from gateway.core.model import Model
from gateway.policy.bound_limit import BoundLimit
from gateway.policy.build import Revision, bound_limits, build_plan
from gateway.policy.compiled import CompiledPolicy, compile_policy
from gateway.policy.compiling import Compiler, Unusable
from gateway.policy.conditions import Node, leaves
from gateway.policy.criteria.route import dialects_of
from gateway.policy.definitions import NONE, Definitions, read_definitions
from gateway.policy.load import PolicyFile, read_directory
from gateway.policy.model import Policy
from gateway.policy.overflow import overflows
from gateway.policy.plan import Plan, strictest
from gateway.policy.situation import Situation
from gateway.policy.switches import Switch
from gateway.texts.index import TextIndex
from gateway.yamlio import Loaded, Problem, YamlProblems

MAX_PLANS: Final = 8192
CLOCK_SLACK_MS: Final = 60_000
"""A clock that is set back by more than this makes plans anew: what had ended may not have yet."""
OTHER_DIALECT: Final = ""
"""Stands for every dialect that no policy mentions."""


@dataclass(slots=True)
class _Kept:
    """A cached plan and what it was made from."""

    account: Account
    model: Model
    from_ms: int
    until_ms: int
    plan: Plan

    def holds(self, account: Account, model: Model, now_ms: int) -> bool:
        return self.account is account and self.model is model and self.from_ms <= now_ms < self.until_ms


class PolicySet:
    """All policies of one revision. Only its cache of plans ever changes, and which policies are switched off."""

    __slots__ = (
        "_dialects", "_max_plans", "_plans", "_ready", "asks_usage", "definitions", "index", "policies", "revision",
    )  # fmt: skip

    def __init__(
        self, policies: Iterable[Policy], definitions: Definitions = NONE, *, max_plans: int = MAX_PLANS
    ) -> None:
        """Raises compiling.Unusable for what a policy refers to and nobody defined."""
        # By id, so that the order of files, or of keys in them, never carries meaning.
        self.policies: tuple[Policy, ...] = tuple(sorted(policies, key=lambda policy: policy.id))
        self.definitions = definitions
        self.revision: str = _revision(self.policies, definitions)
        compiler, output = Compiler(definitions), Compiler(definitions)
        compiled = (compile_policy(policy, compiler, output) for policy in self.policies)
        on = tuple(policy for policy in compiled if policy is not None)
        criteria = {leaf.criterion.key for policy in on for rule in policy.rules for leaf in leaves(rule.condition)}
        self.asks_usage: bool = not criteria.isdisjoint(("usage", "distinct_prompts"))
        """Whether a rule looks at what accounts have used."""
        self.index: TextIndex | None = compiler.index()
        self._ready = Revision(self.revision, on, definitions.terms, output.index())
        self._dialects = (OTHER_DIALECT, *sorted({name for policy in on for name in _dialects(policy.match)}))
        self._plans: OrderedDict[tuple[str, str, str, str], _Kept] = OrderedDict()
        self._max_plans = max_plans

    @property
    def compiled(self) -> tuple[CompiledPolicy, ...]:
        """Those that are on, whether a switch is in force or not."""
        return tuple(self._ready.policies)

    @property
    def switches(self) -> Sequence[Switch]:
        return self._ready.switches

    def switch(self, switches: Sequence[Switch]) -> None:
        """Which policies people have switched off, from now on."""
        if tuple(switches) != tuple(self._ready.switches):
            self._ready = self._ready._replace(switches=tuple(switches))
            self._plans.clear()

    def plan(self, principal: Principal, dialect: str, model: Model, now_ms: int) -> Plan:
        """What applies to this caller here and now; the same object again until something changes."""
        key = (principal.account.id, principal.key_id, dialect, model.id)
        kept = self._plans.get(key)
        if kept is not None and kept.holds(principal.account, model, now_ms):
            self._plans.move_to_end(key)
            return kept.plan
        plan, until_ms = build_plan(self._ready, Situation(principal, dialect, model, now_ms))
        self._plans[key] = _Kept(principal.account, model, now_ms - CLOCK_SLACK_MS, until_ms, plan)
        self._plans.move_to_end(key)
        if len(self._plans) > self._max_plans:
            self._plans.popitem(last=False)
        return plan

    def pieces(self) -> list[object]:
        """All that is large in it, for whoever lets go of a set bit by bit."""
        return [*self.policies, *self._ready.policies, *self._plans.values()]

    def limits_for(self, principal: Principal, models: Iterable[Model], now_ms: int) -> tuple[BoundLimit, ...]:
        """Every limit that can apply to this caller on any of the models, whatever the route."""
        return strictest(
            limit
            for model in models
            for dialect in self._dialects
            for limit in bound_limits(self._ready, Situation(principal, dialect, model, now_ms))
        )


def compile_files(files: Sequence[PolicyFile], definitions: Definitions = NONE) -> PolicySet:
    """Raises YamlProblems when a limit cannot be counted exactly, or a name means nothing."""
    if not [*_shared_faults(definitions, Compiler(definitions)), *_uncountable(files)]:
        try:
            return PolicySet((file.policy for file in files), definitions)
        except Unusable:
            pass  # and what else? Compiling all of them once more to find that out is for the rare set with a mistake
        except ValueError as error:  # all patterns together are too much to search for: no single one is at fault
            raise YamlProblems([Problem(files[0].loaded.source, 1, 1, f"with all policies: {error}")]) from None
    problems = {*_unusable(files, definitions), *_uncountable(files)}
    raise YamlProblems(sorted(problems, key=lambda one: (one.source, one.line, one.column, one.message)))


def check_names(files: Sequence[PolicyFile], definitions: Definitions = NONE) -> None:
    """Raises YamlProblems when something that a policy refers to is not defined, or cannot be searched for."""
    problems = sorted(set(_unusable(files, definitions)), key=lambda one: (one.source, one.line, one.column))
    if problems:
        raise YamlProblems(problems)


def _unusable(files: Sequence[PolicyFile], definitions: Definitions) -> Iterator[Problem]:
    compiler, output = Compiler(definitions), Compiler(definitions)
    yield from _shared_faults(definitions, compiler)
    for file in files:
        try:
            compile_policy(file.policy, compiler, output)
        except Unusable as error:
            loaded = definitions.loaded if error.shared and definitions.loaded is not None else file.loaded
            yield _problem(loaded, error.path, error.message)


def _shared_faults(definitions: Definitions, compiler: Compiler) -> Iterator[Problem]:
    """What is wrong with definitions, whether a policy uses them or not."""
    if definitions.loaded is not None:
        for fault in compiler.shared_faults():
            yield _problem(definitions.loaded, fault.path, fault.message)


def _uncountable(files: Sequence[PolicyFile]) -> Iterator[Problem]:
    for file in files:
        for path, message in overflows(file.policy):
            yield _problem(file.loaded, path, message)


def _problem(loaded: Loaded, path: Sequence[str | int], message: str) -> Problem:
    place = loaded.place(path)
    return Problem(loaded.source, place.line, place.column, message)


def load_policies(directory: Path) -> PolicySet:
    """Read, check and compile a folder: the whole set, or YamlProblems with everything that is wrong."""
    return compile_files(read_directory(directory), read_definitions(directory))


def _revision(policies: Sequence[Policy], definitions: Definitions) -> str:
    """Hash of what the set means: layout and comments of the files do not change it."""
    # Written piece by piece: one call for all of a thousand policies would keep every request waiting meanwhile.
    content = [_written(_plain(policy)) for policy in policies]
    shared = {
        "fragments": {name: _plain(block) for name, block in definitions.fragments.items()},
        "words": dict(definitions.words),
        "terms": {name: _plain(terms) for name, terms in definitions.terms.items()},
    }
    if any(shared.values()):
        content.append(_written(shared))
    return hashlib.sha256(f"[{','.join(content)}]".encode()).hexdigest()[:12]


def _written(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _plain(model: BaseModel) -> object:
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


def _dialects(match: Node) -> Iterable[str]:
    """Those on which the answer of a match may differ."""
    for leaf in leaves(match):
        if leaf.criterion.key == "dialect":
            yield from leaf.value
        elif leaf.criterion.key == "route":
            yield from dialects_of(leaf.value)
