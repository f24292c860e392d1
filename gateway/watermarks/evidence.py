"""What a verdict is made from: the scores of one text, and an honest count of everything that was looked at."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.watermarks.buckets import BucketVector
from gateway.watermarks.commitment import Checked
from gateway.watermarks.correction import Tried
from gateway.watermarks.decoys import Decoys
from gateway.watermarks.score import Score


@dataclass(frozen=True, slots=True)
class Cluster:
    """A set of accounts suspected to act as one, declared before anybody looked at scores."""

    name: str
    members: frozenset[str]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One text. `scores` are those of `accounts`, in their order, on `vector`.

    Raises ValueError where `tried` counts fewer hypotheses than are given here, or a cluster names a stranger: a
    p-value corrected for too little would be wrong without looking wrong.
    """

    vector: BucketVector
    accounts: Sequence[str]
    scores: Sequence[int]
    decoys: Decoys
    tried: Tried
    provider: Score | None = None
    """The provider layer's score, on its own share of the buckets."""
    clusters: tuple[Cluster, ...] = ()
    most_units: int | None = None
    """Units that any text of the scheme can have at most; None: as many as there are buckets."""
    commitment: Checked = "not_given"
    """What `EpochKeys.check` said: do the keys match what was published before their first use?"""

    def __post_init__(self) -> None:
        known = set(self.accounts)
        if not known or len(known) != len(self.accounts) or len(self.scores) != len(self.accounts):
            raise ValueError("there is one score for each account, and one account at least")
        if (
            self.tried.accounts < len(self.accounts)
            or self.tried.clusters < len(self.clusters)
            or self.tried.provider < (self.provider is not None)
        ):
            raise ValueError("what was tried must count every account, cluster and layer that is looked at")
        for cluster in self.clusters:
            if not cluster.members or not cluster.members <= known:
                raise ValueError(f"the cluster {cluster.name} does not consist of scored accounts")

    def score_of(self, total: int) -> Score:
        return Score(total, self.vector.squares)

    def score_of_cluster(self, cluster: Cluster) -> Score:
        """The scores of c accounts add up to a Rademacher sum again, whose variance is c times that of one."""
        total = sum(score for name, score in zip(self.accounts, self.scores, strict=True) if name in cluster.members)
        return Score(total, self.vector.squares * len(cluster.members))
