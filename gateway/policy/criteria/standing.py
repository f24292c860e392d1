"""`standing`: what people decided about the account after looking at it: clear, watched, limited or blocked."""

from gateway.policy.criteria.base import Compiling, Whom, WhomTest
from gateway.policy.situation import Situation


def _compile(words: tuple[str, ...], _: Compiling) -> WhomTest:
    wanted = frozenset(words)
    return lambda here: here.principal.account.standing_at(here.now_ms) in wanted


def _fact(here: Situation) -> str:
    return here.principal.account.standing_at(here.now_ms)


def _changes_ms(_: tuple[str, ...], here: Situation) -> int | None:
    until = here.principal.account.standing_until_ms
    return until if until > here.now_ms else None


CRITERION: Whom = Whom("standing", "standing_listed", "standing_not_listed", _compile, _fact, changes_ms=_changes_ms)
