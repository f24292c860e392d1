"""Names of counters: (scope, unit, window, the set of requests counted), never a policy id or a tier.

Two limits whose names are equal share one counter, so a renamed policy or a changed tier never resets usage.
"""

from dataclasses import dataclass, replace
from typing import Final

from gateway.core.account import Principal
from gateway.policy.model import Scope

EVERYBODY: Final = "|all"
"""The home of limits above an org; no escaped name has such a mark."""
_ESCAPES: Final = str.maketrans({char: f"%{ord(char):02X}" for char in "%|:,&!@()"})


def escape(text: str) -> str:
    """Ids may hold any of the characters that structure a key; `*` stays, it is what patterns are made of."""
    return text.translate(_ESCAPES)


def scope_key(per: Scope, principal: Principal) -> str:
    """`account:acme`: whose use is counted; `all:` is that of everybody."""
    account = principal.account
    owner = {"key": principal.key_id, "account": account.id, "org": account.org, "all": ""}[per]
    return f"{per}:{escape(owner)}"


def home_of(per: Scope, principal: Principal) -> str:
    """What a store keeps together and decides on in one step: everything of an org, or what is everybody's."""
    return EVERYBODY if per == "all" else escape(principal.account.org)


@dataclass(frozen=True, slots=True)
class Traffic:
    """A set of requests under a canonical name: equal criteria give equal names, however they were written."""

    models: tuple[str, ...] = ()
    """Every one of these must hold: each is a sorted, comma-joined list of patterns."""
    dialects: tuple[str, ...] = ()
    excluded: tuple["Traffic", ...] = ()

    def on_models(self, patterns: tuple[str, ...] | None) -> "Traffic":
        if patterns is None or "*" in patterns:
            return self
        joined = ",".join(sorted({escape(pattern) for pattern in patterns}))
        return replace(self, models=tuple(sorted({*self.models, joined})))

    def on_dialects(self, names: tuple[str, ...] | None) -> "Traffic":
        return self if names is None else replace(self, dialects=tuple(sorted({escape(name) for name in names})))

    def without(self, other: "Traffic") -> "Traffic":
        return replace(self, excluded=(*self.excluded, other))

    def on_model(self, model_id: str) -> "Traffic":
        """One model alone: naming it settles every criterion on models; those that ask the dialect stay."""
        excluded = tuple(other for other in self.excluded if other._asks_dialect())
        return replace(self, models=(escape(model_id),), excluded=excluded)

    def _asks_dialect(self) -> bool:
        return bool(self.dialects) or any(other._asks_dialect() for other in self.excluded)

    def __str__(self) -> str:
        text = "&".join(self.models) or "*"
        if self.dialects:
            text += "@" + ",".join(self.dialects)
        text += "".join(f"!({other})" for other in self.excluded)
        # The ledger keeps audit-mode state under the key and "|audit": no model of that name may look like it.
        return "%61udit" if text == "audit" else text


EVERY: Final = Traffic()
