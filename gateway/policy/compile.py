"""From checked policies to an immutable set that answers with a plan."""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.core.account import Account, Principal
from gateway.core.model import Model
from gateway.policy.build import Situation, bound_limits, build_plan
from gateway.policy.compiled import CompiledPolicy, compile_policy
from gateway.policy.load import PolicyFile, read_directory
from gateway.policy.model import Policy
from gateway.policy.overflow import overflows
from gateway.policy.plan import BoundLimit, Plan, strictest
from gateway.yamlio import Problem, YamlProblems

MAX_PLANS: Final = 8192
OTHER_DIALECT: Final = ""
"""Stands for every dialect that no policy mentions."""


@dataclass(slots=True)
class _Kept:
    """A cached plan and what it was made from."""

    account: Account
    model: Model
    until_ms: int
    plan: Plan


class PolicySet:
    """All policies of one revision. Only its cache of plans ever changes."""

    __slots__ = ("_dialects", "_max_plans", "_plans", "compiled", "policies", "revision")

    def __init__(self, policies: Iterable[Policy], *, max_plans: int = MAX_PLANS) -> None:
        # By id, so that the order of files, or of keys in them, never carries meaning.
        self.policies: tuple[Policy, ...] = tuple(sorted(policies, key=lambda policy: policy.id))
        self.revision: str = _revision(self.policies)
        self.compiled: tuple[CompiledPolicy, ...] = tuple(
            compiled for compiled in map(compile_policy, self.policies) if compiled is not None
        )
        self._dialects = (OTHER_DIALECT, *sorted({name for policy in self.policies for name in _dialects(policy)}))
        self._plans: OrderedDict[tuple[str, str, str, str], _Kept] = OrderedDict()
        self._max_plans = max_plans

    def plan(self, principal: Principal, dialect: str, model: Model, now_ms: int) -> Plan:
        """What applies to this caller here and now; the same object again until something changes."""
        key = (principal.account.id, principal.key_id, dialect, model.id)
        kept = self._plans.get(key)
        if kept is not None and kept.account is principal.account and kept.model is model and now_ms < kept.until_ms:
            self._plans.move_to_end(key)
            return kept.plan
        plan, until_ms = build_plan(self.compiled, self.revision, Situation(principal, dialect, model, now_ms))
        self._plans[key] = _Kept(principal.account, model, until_ms, plan)
        self._plans.move_to_end(key)
        if len(self._plans) > self._max_plans:
            self._plans.popitem(last=False)
        return plan

    def limits_for(self, principal: Principal, models: Iterable[Model], now_ms: int) -> tuple[BoundLimit, ...]:
        """Every limit that can apply to this caller on any of the models, whatever the route."""
        return strictest(
            limit
            for model in models
            for dialect in self._dialects
            for limit in bound_limits(self.compiled, Situation(principal, dialect, model, now_ms))
        )


def compile_files(files: Sequence[PolicyFile]) -> PolicySet:
    """Raises YamlProblems when a limit cannot be counted exactly."""
    problems: list[Problem] = []
    for file in files:
        for path, message in overflows(file.policy):
            place = file.loaded.place(path)
            problems.append(Problem(file.loaded.source, place.line, place.column, message))
    if problems:
        raise YamlProblems(problems)
    return PolicySet(file.policy for file in files)


def load_policies(directory: Path) -> PolicySet:
    """Read, check and compile a folder: the whole set, or YamlProblems with everything that is wrong."""
    return compile_files(read_directory(directory))


def _revision(policies: Sequence[Policy]) -> str:
    """Hash of what the set means: layout and comments of the files do not change it."""
    content = [policy.model_dump(mode="json", by_alias=True, exclude_none=True) for policy in policies]
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _dialects(policy: Policy) -> Iterable[str]:
    match = policy.match
    while match is not None:
        yield from match.dialect or ()
        match = match.not_
