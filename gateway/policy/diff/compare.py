"""Recorded requests through two policy sets: who would have been treated otherwise, and by which rule."""

from collections import Counter, OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.catalogue import Catalogue
from gateway.core.account import Account
from gateway.core.model import Model, Prices
from gateway.policy.compile import PolicySet
from gateway.policy.diff.amounts import Meter
from gateway.policy.diff.asking import account_of
from gateway.policy.diff.reader import Line, Unreadable
from gateway.policy.diff.recorded import Recorded
from gateway.policy.diff.side import Outcome, Side, digests

SAME: Final = "same"
REFUSED: Final = "newly_refused"
ALLOWED: Final = "newly_allowed"
OTHERWISE: Final = "refused_otherwise"
REDUCED: Final = "reduced"
SLOWED: Final = "slowed"
EASED: Final = "eased"
UNKNOWN: Final = "not_evaluable"
NOT_ASKED: Final = "not_asked"
UNREADABLE: Final = "unreadable"
BUCKETS: Final = (SAME, REFUSED, ALLOWED, OTHERWISE, REDUCED, SLOWED, EASED, UNKNOWN, NOT_ASKED, UNREADABLE)
"""Every line of a log is in exactly one of these."""
CHANGES: Final = (REFUSED, ALLOWED, OTHERWISE, REDUCED, SLOWED, EASED)
MAX_ACCOUNTS: Final = 100_000
"""Accounts that are told apart; further ones count together."""
OTHERS: Final = "(others)"
MAX_EXAMPLES: Final = 100
_MAX_KNOWN: Final = 20_000
_SOME: Final = Prices(1, 1, 1, 1)
"""Of a model that nobody described: it costs something."""
_ANY: Final = 1 << 30


@dataclass(slots=True)
class Result:
    """What came of a replay. All of it is bounded, however long the log is."""

    buckets: Counter[str] = field(default_factory=Counter)
    accounts: dict[str, Counter[str]] = field(default_factory=dict)
    """Of accounts with a change: how many requests of each kind."""
    seen: set[str] = field(default_factory=set)
    rules: dict[str, Counter[str]] = field(default_factory=dict)
    """By kind of change: the policy/rule that refuses now, or that refused before."""
    examples: dict[str, list[str]] = field(default_factory=dict)
    """By kind of change: ids of the first decisions."""
    unknown: Counter[str] = field(default_factory=Counter)
    """Rules and limits that could not be asked, where it mattered."""
    unreadable: list[Unreadable] = field(default_factory=list)
    guessed: int = 0
    """Requests that were refused when recorded, so that what they would have taken is a guess."""
    first_ms: int = 0
    last_ms: int = 0

    @property
    def lines(self) -> int:
        return sum(self.buckets.values())

    @property
    def changed(self) -> int:
        return sum(self.buckets[kind] for kind in CHANGES)


class Comparison:
    """Feeds two sides with the same requests."""

    def __init__(self, old: PolicySet, new: PolicySet, catalogue: Catalogue | None = None) -> None:
        """Without a catalogue models are known by their id alone."""
        self.result = Result()
        self._old, self._new = Side(old), Side(new)
        mine, other = digests(old), digests(new)
        same = frozenset(name for name, digest in mine.items() if other.get(name) == digest)
        self._old.same_limits = self._new.same_limits = same
        self._catalogue = catalogue
        self._meter = Meter()
        self._models: dict[tuple[str, bool], Model] = {}
        self._accounts: OrderedDict[str, tuple[tuple[Any, ...], Account]] = OrderedDict()
        self._now_ms = 0

    def add_all(self, lines: Iterable[Line]) -> Result:
        """Every line of a log, in the order of time."""
        for line in lines:
            self.add(line)
        return self.result

    def add(self, line: Line) -> str:
        """One line; the bucket that it is in."""
        kind = self._unread(line) if isinstance(line, Unreadable) else self._replay(line)
        self.result.buckets[kind] += 1
        return kind

    def _unread(self, line: Unreadable) -> str:
        if len(self.result.unreadable) < MAX_EXAMPLES:
            self.result.unreadable.append(line)
        return UNREADABLE

    def _replay(self, record: Recorded) -> str:
        if record.facts is None:
            return NOT_ASKED
        result = self.result
        self._now_ms = max(self._now_ms, record.time_ms)
        result.first_ms = result.first_ms or record.time_ms
        result.last_ms = self._now_ms
        if record.account in result.seen or len(result.seen) < MAX_ACCOUNTS:
            result.seen.add(record.account)
        account, model = self._account(record, record.facts), self._model(record, record.facts)
        amounts = self._meter.amounts(record)
        result.guessed += amounts.guessed
        old = self._old.decide(record, account, model, self._now_ms, amounts)
        new = self._new.decide(record, account, model, self._now_ms, amounts)
        kind = compared(old, new)
        if kind != SAME:
            self._note(kind, record, old, new)
        return kind

    def _note(self, kind: str, record: Recorded, old: Outcome, new: Outcome) -> None:
        result = self.result
        if kind == UNKNOWN:
            result.unknown.update(name.partition("@")[0] for name in old.unknown ^ new.unknown)
            return
        name = record.account
        if name not in result.accounts and len(result.accounts) >= MAX_ACCOUNTS:
            name = OTHERS
        result.accounts.setdefault(name, Counter())[kind] += 1
        cause = new.refused_by or old.refused_by
        if cause:
            result.rules.setdefault(kind, Counter())[cause] += 1
        examples = result.examples.setdefault(kind, [])
        if len(examples) < MAX_EXAMPLES:
            examples.append(record.id)

    def _account(self, record: Recorded, facts: dict[str, Any]) -> Account:
        """The same object for the same facts, so that plans are found again. Its age is known to the second only."""
        made = account_of(record, facts)
        key = (
            made.org, made.tier, made.country, made.verified, made.declared_purpose, made.tags, made.owner_country,
            made.attested_age, made.standing,
        )  # fmt: skip
        known = self._accounts.get(record.account)
        if known is not None:
            before = known[1]
            if known[0] == key and abs(before.created_ms - made.created_ms) <= 1000:
                self._accounts.move_to_end(record.account)
                return before
        self._accounts[record.account] = (key, made)
        if len(self._accounts) > _MAX_KNOWN:
            self._accounts.popitem(last=False)
        return made

    def _model(self, record: Recorded, facts: dict[str, Any]) -> Model:
        found = None if self._catalogue is None else self._catalogue.lookup(record.model)
        if found is not None:
            return found
        key = (record.model, facts["max_output"] > 0)
        if key not in self._models and len(self._models) >= _MAX_KNOWN:
            self._models.clear()
        name, writes = key
        return self._models.setdefault(key, Model(name, name, (), _ANY, _ANY if writes else 0, _SOME))


def compared(old: Outcome, new: Outcome) -> str:
    """Which bucket a request is in. A refusal is certain, whatever other rules could not be asked."""
    before, after = bool(old.refused_by), bool(new.refused_by)
    if before and after:
        return SAME if old.refused_by == new.refused_by else OTHERWISE
    if (not before and old.unknown - new.unknown) or (not after and new.unknown - old.unknown):
        return UNKNOWN
    if before or after:
        return REFUSED if after else ALLOWED
    pairs = list(zip(old.taken, new.taken, strict=True))
    if any(now > then for then, now in pairs):
        return REDUCED
    if new.delay_s > old.delay_s:
        return SLOWED
    return SAME if old == new or (old.taken == new.taken and old.delay_s == new.delay_s) else EASED
