"""Match blocks as closures. What is known of the caller is decided first; what is left asks only dialect and model."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from gateway.core.account import Account
from gateway.core.model import Model
from gateway.policy.model import Match
from gateway.policy.statekey import EVERY, Traffic

AccountTest = Callable[[Account], bool]
RequestTest = Callable[[str, Model], bool]


@dataclass(frozen=True, slots=True)
class Covered:
    """What remains of a match once the account is known: which requests, as a test and as a canonical name."""

    holds: RequestTest
    traffic: Traffic


@dataclass(frozen=True, slots=True)
class Matcher:
    """A compiled match block."""

    account_tests: tuple[AccountTest, ...]
    request_tests: tuple[RequestTest, ...]
    traffic: Traffic
    """The request-side criteria, `not` left out, as the name of the set of requests they select."""
    negated: "Matcher | None" = None

    def bind(self, account: Account) -> Covered | None:
        """What the match covers for this account; None when the account is not meant at all."""
        if not all(test(account) for test in self.account_tests):
            return None
        inner = self.negated.bind(account) if self.negated is not None else None
        if inner is None:
            return Covered(_conjunction(self.request_tests), self.traffic)
        if inner.traffic == EVERY:
            return None
        return Covered(_conjunction((*self.request_tests, _opposite(inner.holds))), self.traffic.without(inner.traffic))


def compile_match(match: Match | None) -> Matcher:
    """None is `match: all`."""
    if match is None:
        return Matcher((), (), EVERY)
    request_tests: list[RequestTest] = []
    if match.model is not None:
        request_tests.append(_model_test(match.model))
    if match.dialect is not None:
        request_tests.append(_dialect_test(match.dialect))
    return Matcher(
        account_tests=tuple(_account_tests(match)),
        request_tests=tuple(request_tests),
        traffic=EVERY.on_models(match.model).on_dialects(match.dialect),
        negated=None if match.not_ is None else compile_match(match.not_),
    )


def names_model(patterns: Iterable[str], model: Model) -> bool:
    """Whether one of the patterns means this model, by its id or an alias. `*` stands for any text."""
    names = (model.id, *model.aliases)
    return any(matches(name, pattern) for pattern in patterns for name in names)


def matches(name: str, pattern: str) -> bool:
    """Only `*` is special: brackets and question marks may stand in a name."""
    return fnmatchcase(name, pattern.replace("[", "[[]").replace("?", "[?]")) if "*" in pattern else name == pattern


def _account_tests(match: Match) -> list[AccountTest]:
    tests: list[AccountTest] = []
    if match.tier is not None:
        tests.append(_among(match.tier, lambda account: account.tier))
    if match.account is not None:
        tests.append(_among(match.account, lambda account: account.id))
    if match.org is not None:
        tests.append(_among(match.org, lambda account: account.org))
    if match.country is not None:
        tests.append(_among(match.country, lambda account: account.country.upper() or "unknown"))
    if match.declared_purpose is not None:
        tests.append(_among(match.declared_purpose, lambda account: account.declared_purpose))
    if match.verified is not None:
        wanted = match.verified
        tests.append(lambda account: account.verified is wanted)
    if match.tags is not None:
        tags = frozenset(match.tags)
        tests.append(lambda account: not tags.isdisjoint(account.tags))
    return tests


def _among(words: Iterable[str], fact: Callable[[Account], str]) -> AccountTest:
    wanted = frozenset(words)
    return lambda account: fact(account) in wanted


def _model_test(patterns: tuple[str, ...]) -> RequestTest:
    return lambda _dialect, model: names_model(patterns, model)


def _dialect_test(names: tuple[str, ...]) -> RequestTest:
    wanted = frozenset(names)
    return lambda dialect, _model: dialect in wanted


def _conjunction(tests: tuple[RequestTest, ...]) -> RequestTest:
    return lambda dialect, model: all(test(dialect, model) for test in tests)


def _opposite(test: RequestTest) -> RequestTest:
    return lambda dialect, model: not test(dialect, model)
