"""Facts about a model that callers may ask for; loaded from models.yaml, frozen for the life of a revision."""

from dataclasses import dataclass, field
from typing import Final

CODE: Final = "code"
"""The tag of a model that writes programs: its answers are never marked, since a changed word may break one."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Nano-dollars per token (so dollars per million tokens × 1,000). Zero is free; unknown is no Prices at all."""

    input: int
    output: int
    cache_read: int
    cache_write: int
    dearest_input: int = field(init=False, repr=False, compare=False)
    """Of one input token at its dearest. Writing a cache usually costs more than plain input."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "dearest_input", max(self.input, self.cache_write, self.cache_read))


@dataclass(frozen=True, slots=True)
class Model:
    """One entry of models.yaml.

    `context` and `max_output` are tokens. `upstreams` are names from the settings, in no order of preference.
    `prices` is None when unknown: then no request that a money budget covers is admitted. `dated_prices`, oldest
    first, replace it from their moment on (Unix milliseconds).
    """

    id: str
    upstream_name: str
    upstreams: tuple[str, ...]
    context: int
    max_output: int
    prices: Prices | None
    aliases: tuple[str, ...] = ()
    created: int = 0
    """Release date, Unix seconds; shown at /v1/models."""
    owned_by: str = "excise"
    family: str = ""
    """As the operator groups models; empty where nobody said."""
    terms: str = ""
    """Name of a terms profile in the policies' definitions; empty where nobody said."""
    dated_prices: tuple[tuple[int, Prices], ...] = ()
    tags: tuple[str, ...] = ()
    """What else the operator says of it; `CODE` is the one that means something here."""

    def prices_at(self, now_ms: int) -> Prices | None:
        """The price list in force, None when no price is known then."""
        prices = self.prices
        for valid_from_ms, dated in self.dated_prices:
            if valid_from_ms > now_ms:
                break
            prices = dated
        return prices
