"""One look is one text against one list of one era: the scores that matter, and the checks beside them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.forensics.eras import Era, Suspect
from gateway.forensics.question import Question
from gateway.forensics.sift import BEST, DecoyRow, Sifted, scores_of, sift, sift_decoys
from gateway.watermarks.buckets import BucketVector
from gateway.watermarks.evidence import Cluster
from gateway.watermarks.scheme import Reading
from gateway.watermarks.score import Score
from gateway.watermarks.words import Words, read_words


@dataclass(frozen=True, slots=True)
class Look:
    """Scores of one text under one list of one era. `best` and `high` are best first."""

    era: Era
    list_index: int
    squares: int
    units: int
    even_units: int
    """Units of equal weight that would say as much: (Σ|w|)² / Σw²."""
    best: tuple[tuple[Suspect, int], ...]
    high: tuple[tuple[Suspect, int], ...]
    """All that could fire if nothing else had been tried."""
    provider: Score
    clusters: tuple[tuple[Cluster, Score], ...]
    decoys: DecoyRow

    @property
    def spread(self) -> float:
        """The standard deviation of the decoys' z; 1 for a text without weights."""
        return math.sqrt(self.decoys.squares / (self.squares * self.decoys.count)) if self.squares else 1.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One text under all lists of all eras. `vectors` goes with `looks`; empty where it was not to be kept."""

    looks: tuple[Look, ...]
    words: int
    scored: int
    left_out: int
    vectors: tuple[BucketVector, ...] = field(default=(), repr=False)


Readings = tuple[Reading, ...]
"""What a text says under each era of a question, in their order."""


def readings(text: str, question: Question, prose: Words | None = None) -> Readings:
    """Read a text once for all eras: epochs of one family read alike, because what a text says depends on no key.

    `prose` are its words, where they were read already.
    """
    prose = prose or read_words(text)
    read: dict[tuple[str, int, str, str], Reading] = {}
    found = []
    for era in question.eras:
        alike = (era.scheme.id, era.scheme.version, era.family, era.table)
        if alike not in read:
            read[alike] = era.scheme.read(text, prose)
        found.append(read[alike])
    return tuple(found)


def look_at(texts: Sequence[Readings], question: Question, *, keep: bool = False, best: int = BEST) -> list[Seen]:
    """Look at texts, all at once; time grows with eras × lists × suspects × texts.

    `keep` keeps vectors and every decoy's score.
    """
    found: list[list[Look]] = [[] for _ in texts]
    vectors: list[list[BucketVector]] = [[] for _ in texts]
    for number, era in enumerate(question.eras):
        read = [each[number] for each in texts]
        for at, looks in enumerate(_era(era, read, question, keep=keep, best=best)):
            found[at] += looks
            vectors[at] += read[at].account
    return [
        Seen(tuple(looks), first.words, first.scored, first.left_out, tuple(mine) if keep else ())
        for looks, (first, *_), mine in zip(found, texts, vectors, strict=True)
    ]


def _era(era: Era, readings: Sequence[Reading], question: Question, *, keep: bool, best: int) -> list[list[Look]]:
    vectors = [vector for reading in readings for vector in reading.account]
    alone = question.tried().least_z(question.rules.alpha)
    # One below the threshold: only the bound itself decides (`outcome`).
    least = [math.floor(alone * math.sqrt(vector.squares)) - 1 for vector in vectors]
    least = [max(1, score) for score in least]
    groups, clusters = _groups(era, question.clusters)
    sifted = sift(vectors, era, least, groups, best)
    decoys = sift_decoys(vectors, era.keys.decoy_seeds(), keep=keep)
    shown = [vector for reading in readings for vector in reading.provider]
    provider = [
        Score(total, vector.squares) for total, vector in zip(scores_of(shown, era.provider_seed), shown, strict=True)
    ]
    lists = era.scheme.lists
    looks = [
        _look(
            era,
            at % lists,
            vector=vectors[at],
            sifted=sifted[at],
            provider=provider[at],
            decoys=decoys[at],
            clusters=clusters,
        )
        for at in range(len(vectors))
    ]
    return [looks[at : at + lists] for at in range(0, len(looks), lists)]


def _look(
    era: Era,
    list_index: int,
    *,
    vector: BucketVector,
    sifted: Sifted,
    provider: Score,
    decoys: DecoyRow,
    clusters: Sequence[tuple[Cluster, int]],
) -> Look:
    return Look(
        era=era,
        list_index=list_index,
        squares=vector.squares,
        units=vector.units,
        even_units=sum(vector.sizes) ** 2 // vector.squares if vector.squares else 0,
        best=tuple((era.suspects[at], total) for total, at in sifted.best),
        high=tuple((era.suspects[at], total) for total, at in sifted.high),
        provider=provider,
        clusters=tuple(
            (cluster, Score(total, vector.squares * size))
            for (cluster, size), total in zip(clusters, sifted.sums, strict=True)
        ),
        decoys=decoys,
    )


def _groups(era: Era, clusters: Sequence[Cluster]) -> tuple[list[frozenset[int]], list[tuple[Cluster, int]]]:
    """Of each cluster the suspects of this era, and how many codewords they are; clusters without any are left out."""
    groups, sized = [], []
    for cluster in clusters:
        members = frozenset(at for at, suspect in enumerate(era.suspects) if suspect.account in cluster.members)
        if members:
            groups.append(members)
            sized.append((cluster, len(members)))
    return groups, sized
