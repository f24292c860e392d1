"""Applying a field table to a request: what may not reach the upstream is refused by name."""

from collections.abc import Collection
from difflib import get_close_matches
from typing import Any, Final

from gateway.core.reasons import UNSUPPORTED_FIELD
from gateway.core.refusal import Refusal
from gateway.dialects.field_tables import PASSES_UNKNOWN, Group, free, table

_MAX_SHOWN: Final = 64


def unsupported(param: str, why: str) -> Refusal:
    """The refusal for a field that is understood but not served."""
    return Refusal(UNSUPPORTED_FIELD, f"'{param}' {why}", param=param)


def check_table(body: dict[str, Any], dialect: str, kind: str, *, pass_unknown: bool) -> Refusal | None:
    """The first top-level field that the table forbids or does not know.

    State-bearing fields may be present as null or false: then they ask for nothing.
    """
    if free(dialect, kind).issuperset(body):  # nearly every request
        return None
    known = table(dialect, kind)
    for name, value in body.items():
        group = known.get(name)
        if group is None:
            if not (pass_unknown and kind in PASSES_UNKNOWN):
                return _unknown(name, free(dialect, kind))
        elif group is Group.STATE:
            if value is not None and value is not False:
                return unsupported(name, "is not supported: requests are served without stored state.")
        elif group is Group.ENGINE:
            return unsupported(name, "is not accepted: it controls the inference engine, not the request.")
    return None


def _unknown(name: str, usable: Collection[str]) -> Refusal:
    shown = name if len(name) <= _MAX_SHOWN and name.isprintable() else "(unprintable or overlong name)"
    nearest = get_close_matches(name[:_MAX_SHOWN], usable, n=1)
    hint = f" Did you mean '{nearest[0]}'?" if nearest else ""
    return unsupported(shown, f"is not a known field of this request.{hint}")
