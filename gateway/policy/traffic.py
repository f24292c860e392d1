"""Sets of requests under canonical names: what a limit counts, as part of its counter's key."""

from dataclasses import dataclass, replace
from typing import Final

_ESCAPES: Final = str.maketrans({char: f"%{ord(char):02X}" for char in "%|:,&!@()"})
_NO_DIALECT: Final = ("()",)
"""What two sets of dialects have in common when it is nothing; no escaped name looks so."""


def escape(text: str) -> str:
    """Ids may hold any of the characters that structure a key; `*` stays, it is what patterns are made of."""
    return text.translate(_ESCAPES)


@dataclass(frozen=True, slots=True)
class Traffic:
    """A set of requests under a canonical name: equal criteria give equal names, however they were written."""

    models: tuple[str, ...] = ()
    """Every one of these must hold: each is a sorted, comma-joined list of patterns."""
    dialects: tuple[str, ...] = ()
    excluded: tuple["Traffic", ...] = ()
    either: tuple[tuple["Traffic", ...], ...] = ()
    """Of each of these at least one must hold."""

    def on_models(self, patterns: tuple[str, ...] | None) -> "Traffic":
        if patterns is None or "*" in patterns:
            return self
        joined = ",".join(sorted({escape(pattern) for pattern in patterns}))
        return replace(self, models=tuple(sorted({*self.models, joined})))

    def on_models_with(self, fact: str, words: tuple[str, ...]) -> "Traffic":
        """On models of which a fact other than their name is one of the words; no escaped name has a colon."""
        joined = ",".join(sorted({escape(word) for word in words}))
        return replace(self, models=tuple(sorted({*self.models, f"{fact}:{joined}"})))

    def on_dialects(self, names: tuple[str, ...] | None) -> "Traffic":
        if names is None:
            return self
        wanted = {escape(name) for name in names}
        if self.dialects:
            wanted &= set(self.dialects)
        return replace(self, dialects=tuple(sorted(wanted)) or _NO_DIALECT)

    def without(self, other: "Traffic") -> "Traffic":
        return replace(self, excluded=tuple(sorted({*self.excluded, other}, key=str)))

    def on_either(self, ways: tuple["Traffic", ...]) -> "Traffic":
        """On requests that are in at least one of these sets."""
        alternatives = tuple(sorted(set(ways), key=str))
        return replace(self, either=tuple(sorted({*self.either, alternatives}, key=str)))

    def on_model(self, model_id: str) -> "Traffic":
        """One model alone: naming it settles every criterion on models; those that ask the dialect stay."""
        excluded = tuple(other for other in self.excluded if other._asks_dialect())
        either = tuple(ways for ways in self.either if any(way._asks_dialect() for way in ways))
        return replace(self, models=(escape(model_id),), excluded=excluded, either=either)

    def _asks_dialect(self) -> bool:
        inner = (*self.excluded, *(way for ways in self.either for way in ways))
        return bool(self.dialects) or any(other._asks_dialect() for other in inner)

    def __str__(self) -> str:
        text = "&".join(self.models) or "*"
        if self.dialects:
            text += "@" + ",".join(self.dialects)
        text += "".join(f"!({other})" for other in self.excluded)
        text += "".join(f"&({'|'.join(map(str, ways))})" for ways in self.either)
        # The ledger keeps audit-mode state under the key and "|audit": no model of that name may look like it.
        return "%61udit" if text == "audit" else text


EVERY: Final = Traffic()
