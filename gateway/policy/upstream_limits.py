"""The limits of the keys that the gateway has at its upstreams: the tier above every org, keyed by upstream."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from gateway.config import UpstreamEntry
from gateway.core.model import Model
from gateway.engine.spec import RateSpec, Spec
from gateway.limit_grammar import budget_spec, limit_spec, window_key
from gateway.policy.names import names_model
from gateway.policy.traffic import EVERY, escape


@dataclass(frozen=True, slots=True)
class _Rule:
    """One limit or budget of an upstream, before the model is known."""

    models: Literal["all", "each"] | tuple[str, ...]
    template: Spec
    window: str

    def bind(self, owner: str, model: Model) -> Spec | None:
        """The limit on its counter; None when it is on a set without this model."""
        traffic = EVERY
        if self.models == "each":
            # As the provider counts: by its own name of the model, whatever it is called here.
            traffic = EVERY.on_model(model.upstream_name)
        elif self.models != "all":
            if not names_model(self.models, model):
                return None
            traffic = EVERY.on_models(self.models)
        key = f"{owner}|{self.template.unit.value}|{self.window}|{traffic}"
        # A home of its own: no org's escaped name has such a mark, and upstreams need not share a server's slot.
        return replace(self.template, key=key, home=f"|{owner}")


class UpstreamLimits:
    """By upstream and model. Only its cache ever changes."""

    __slots__ = ("_bound", "_rules")

    def __init__(self, upstreams: Mapping[str, UpstreamEntry]) -> None:
        self._rules = {name: rules for name, entry in upstreams.items() if (rules := _rules(entry))}
        self._bound: dict[tuple[str, str], tuple[Model, tuple[Spec, ...]]] = {}

    def any_of(self, upstreams: Iterable[str]) -> bool:
        """Whether any of these upstreams has limits at all."""
        return bool(self._rules) and any(name in self._rules for name in upstreams)

    def specs(self, upstream: str, model: Model) -> tuple[Spec, ...]:
        """What a request for a model takes from an upstream's limits; the same object again until a reload."""
        kept = self._bound.get((upstream, model.id))
        if kept is not None and kept[0] is model:
            return kept[1]
        owner = f"upstream:{escape(upstream)}"
        bound = (rule.bind(owner, model) for rule in self._rules.get(upstream, ()))
        specs = _strictest(spec for spec in bound if spec is not None)
        self._bound[upstream, model.id] = (model, specs)
        return specs


def _rules(entry: UpstreamEntry) -> tuple[_Rule, ...]:
    return (
        *(_Rule(one.models, limit_spec(one, shadow=False), window_key(one)) for one in entry.limits.values()),
        *(_Rule(one.models, budget_spec(one, shadow=False), window_key(one)) for one in entry.budgets.values()),
    )


def _strictest(specs: Iterable[Spec]) -> tuple[Spec, ...]:
    """One limit for each counter: the smallest amount and the smallest burst of all, as among policies."""
    by_key: dict[str, Spec] = {}
    for spec in specs:
        other = by_key.setdefault(spec.key, spec)
        least = min(other, spec, key=lambda one: one.amount)
        if isinstance(other, RateSpec) and isinstance(spec, RateSpec) and isinstance(least, RateSpec):
            least = replace(least, burst=min(other.burst, spec.burst))
        by_key[spec.key] = least
    return tuple(by_key[key] for key in sorted(by_key))
