"""Everything that was tried, counted: a p-value that forgets how often one looked is no p-value.

The correction is Bonferroni's: p times the number of tests. It needs no independence, and at these sizes it costs
little, because the power grows with z and the price only with its logarithm.
"""

import math
from dataclasses import dataclass, fields
from typing import Final

ROUNDING: Final = 1e-12
"""Added to every corrected ln p: more than floating point can have taken away."""


@dataclass(frozen=True, slots=True)
class Tried:
    """How many hypotheses were looked at. Each account, declared cluster and the provider layer is one; every epoch,
    scheme, window of the text, list per account and run by hand looks at all of them again.
    """

    accounts: int
    clusters: int = 0
    provider: int = 0
    epochs: int = 1
    schemes: int = 1
    windows: int = 1
    lists: int = 1
    runs: int = 1
    """How often somebody ran the detector on this text, this run included."""

    def __post_init__(self) -> None:
        least = {"clusters": 0, "provider": 0}
        for each in fields(self):
            if getattr(self, each.name) < least.get(each.name, 1):
                raise ValueError(f"{each.name} must be {least.get(each.name, 1)} or more")

    @property
    def count(self) -> int:
        hypotheses = self.accounts + self.clusters + self.provider
        return hypotheses * self.epochs * self.schemes * self.windows * self.lists * self.runs

    def corrected(self, log_p: float) -> float:
        """Ln of the corrected p, at most 0 and rounded upwards."""
        return min(0.0, log_p + math.log(self.count) + ROUNDING)

    def least_z(self, alpha: float) -> float:
        """The z at which Hoeffding's bound, corrected, reaches `alpha`."""
        return math.sqrt(2 * (math.log(self.count) - math.log(alpha)))
