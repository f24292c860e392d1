"""What is asked of the detector, and the count of everything that asking it looks at."""

from dataclasses import dataclass, field

from gateway.forensics.eras import Era
from gateway.watermarks.correction import Tried
from gateway.watermarks.evidence import Cluster
from gateway.watermarks.verdict import Rules


@dataclass(frozen=True, slots=True)
class Question:
    """The same for every text of a run. Raises ValueError for a cluster with a member that no era knows."""

    eras: tuple[Era, ...]
    clusters: tuple[Cluster, ...] = ()
    rules: Rules = field(default_factory=Rules)

    def __post_init__(self) -> None:
        if not self.eras:
            raise ValueError("there is one era at least")
        known = {suspect.account for era in self.eras for suspect in era.suspects}
        for cluster in self.clusters:
            strangers = cluster.members - known
            if strangers or not cluster.members:
                who = f", such as {min(strangers)}" if strangers else ""
                raise ValueError(f"cluster {cluster.name}: {len(strangers)} members were not issued any mark{who}")

    @property
    def keys(self) -> frozenset[str]:
        """Names of the keys in use."""
        return frozenset(era.key_id for era in self.eras)

    def tried(self, *, windows: int = 1, runs: int = 1) -> Tried:
        """Every hypothesis of a run. Where eras differ the largest counts for all, so it is never too few.

        `windows` counts every text that is looked at: windows and the whole, or documents.
        """
        return Tried(
            accounts=max(len(era.suspects) for era in self.eras),
            clusters=len(self.clusters),
            provider=1,
            epochs=len({era.epoch for era in self.eras}),
            schemes=len({(era.scheme.id, era.scheme.version, era.family) for era in self.eras}),
            windows=windows,
            lists=max(era.scheme.lists for era in self.eras),
            runs=runs,
        )
