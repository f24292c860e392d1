"""What loads and can hardly be meant: found by looking at accounts, models and policies together."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from gateway.config import Settings
from gateway.core.account import Principal
from gateway.core.model import CODE, Model, Prices
from gateway.exchange import Snapshot
from gateway.policy.conditions import leaves, may_cover
from gateway.policy.load import is_policy
from gateway.policy.names import names_model
from gateway.policy.reach import reaches
from gateway.policy.situation import Situation

_MANY = 5


def hints(settings: Settings, snapshot: Snapshot, now_ms: int = 0) -> list[str]:
    """One warning for each."""
    return [
        *_uncovered(snapshot, now_ms),
        *_prices(snapshot),
        *_ignored(settings),
        *_unwritable(settings),
        *_unmet(settings, snapshot),
        *_nowhere(snapshot),
        *_unmarked(settings, snapshot),
    ]


def _uncovered(snapshot: Snapshot, now_ms: int) -> Iterator[str]:
    """An account that no policy means has no limits at all; mostly its tier is spelt wrongly."""
    policies, model = snapshot.policies.compiled, snapshot.catalogue.models[0]
    found = [
        f"{account.id} (tier {account.tier})"
        for account in snapshot.directory.accounts.values()
        if not any(may_cover(policy.match, Situation(Principal(account, ""), "", model, now_ms)) for policy in policies)
    ]
    if found:
        yield f"accounts: no policy covers {_named(found)}: without limits, without budgets"


def _prices(snapshot: Snapshot) -> Iterator[str]:
    """A price of one nano-dollar a token is the least there is: what dollars per token come out as."""
    for model in snapshot.catalogue.models:
        if any(0 < price.output <= 1 or 0 < price.input <= 1 for price in _price_lists(model)):
            found = "$0.001 or less per million tokens"
            yield f"models.{model.id}.prices: {found}; expected dollars per million, not per token"


def _price_lists(model: Model) -> Iterator[Prices]:
    if model.prices is not None:
        yield model.prices
    yield from (prices for _, prices in model.dated_prices)


def _ignored(settings: Settings) -> Iterator[str]:
    """Policies are the *.yaml of one folder: what looks like one elsewhere is in force nowhere."""
    folder = settings.files.policies
    for path in sorted((*folder.glob("*.yml"), *folder.glob("[!.]*/*.yaml"))):
        if path.suffix == ".yml" or is_policy(path):
            yield f"files.policies: {path} is not read; expected {folder}/NAME.yaml"


def _unwritable(settings: Settings) -> Iterator[str]:
    """The file is made by the first record: until then nobody would notice."""
    target = settings.decision_log
    if target not in ("-", "off") and not os.access(Path(target).parent, os.W_OK):
        yield f"decision_log: the folder {Path(target).parent} is not there or cannot be written: records will be lost"


def _unmet(settings: Settings, snapshot: Snapshot) -> Iterator[str]:
    """A limit of an upstream's key on models that the upstream does not serve never counts anything."""
    for name, upstream in settings.upstreams.items():
        served = [model for model in snapshot.catalogue.models if name in model.upstreams]
        for limit, one in (*upstream.limits.items(), *upstream.budgets.items()):
            if not isinstance(one.models, str) and not any(names_model(one.models, model) for model in served):
                yield f"upstreams.{name}: the limit '{limit}' is on {', '.join(one.models)}, none of which it serves"


def _nowhere(snapshot: Snapshot) -> Iterator[str]:
    """Rules that ask where callers are, while nothing here can say."""
    if snapshot.countries is not None:
        return
    asking = [
        f"{policy.id}/{rule.name}"
        for policy in snapshot.policies.compiled
        for rule in policy.rules
        if any(leaf.criterion.key == "client_country" for leaf in leaves(rule.condition))
    ]
    if asking:
        yield f"data.country_file: not set, so client_country is never known in {_named(asking)}"


def _unmarked(settings: Settings, snapshot: Snapshot) -> Iterator[str]:
    """Marks, fingerprints and receipts that a policy in force asks for, while the settings have not what they take."""
    asking = [one for one in snapshot.policies.compiled if one.mode == "enforce" and one.watermark is not None]
    entry = settings.watermark
    if asking and entry is None:
        yield f"watermark: not set, so nothing comes of the block in {_named([one.id for one in asking])}"
    if entry is None:
        return
    marking = [one for one in asking if one.watermark is not None and one.watermark.marks]
    models = [model for model in snapshot.catalogue.models if CODE not in model.tags]
    reached = [model for model in models if any(reaches(policy.match, model) for policy in marking)]
    for family, names in _families(reached).items():
        if not family:
            yield f"models.yaml: no family for {_named(names)}, so there is no pair table and no mark"
        elif family not in entry.tables:
            yield f"watermark.tables: none for the family '{family}' ({_named(names)}), so there is no mark"
    closed = {name for name, upstream in settings.upstreams.items() if not upstream.bias_entries}
    if unmarked := [model.id for model in reached if closed.issuperset(model.upstreams)]:
        yield f"upstreams.*.logit_bias_entries: 0 wherever {_named(unmarked)} is served, so there is no mark"
    if not entry.provider_quarters:
        alone = [one.id for one in marking if one.watermark is not None and one.watermark.layers == {"provider"}]
        if alone:
            yield f"watermark.provider_quarters: 0, so nothing comes of the provider's mark alone in {_named(alone)}"


def _families(models: Sequence[Model]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for model in models:
        found.setdefault(model.family, []).append(model.id)
    return found


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MANY} more" if len(names) > _MANY else ""
    return ", ".join(names[:_MANY]) + more
