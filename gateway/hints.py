"""What loads and can hardly be meant: found by looking at accounts, models and policies together."""

import os
from collections.abc import Iterator
from pathlib import Path

from gateway.config import Settings
from gateway.core.model import Model, Prices
from gateway.exchange import Snapshot
from gateway.policy.load import is_policy

_MANY = 5


def hints(settings: Settings, snapshot: Snapshot) -> list[str]:
    """One warning for each."""
    return [*_uncovered(snapshot), *_prices(snapshot), *_ignored(settings), *_unwritable(settings)]


def _uncovered(snapshot: Snapshot) -> Iterator[str]:
    """An account that no policy means has no limits at all; mostly its tier is spelt wrongly."""
    policies = snapshot.policies.compiled
    found = [
        f"{account.id} (tier {account.tier})"
        for account in snapshot.directory.accounts.values()
        if all(policy.matcher.bind(account) is None for policy in policies)
    ]
    if found:
        more = f" and {len(found) - _MANY} more" if len(found) > _MANY else ""
        yield f"accounts: no policy covers {', '.join(found[:_MANY])}{more}: without limits, without budgets"


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
