"""What is decided about the mark of one answer, and what came of it."""

from dataclasses import dataclass, field
from typing import Literal

from gateway.watermarks.layout import MarkLayer
from gateway.watermarks.marking import Manner, Marker
from gateway.watermarks.occasion import Skip


@dataclass(slots=True)
class Marking:
    """One answer's mark. `skip` says why there is none; None where there is, or may still be, one."""

    skip: Skip | None
    mode: Literal["enforce", "audit"] = "enforce"
    epoch: str = ""
    family: str = ""
    list_index: int = 0
    strength: float = 0.0
    """Nats."""
    layers: frozenset[MarkLayer] = frozenset()
    entries: int | None = None
    """Most entries that the policy wants; None: as many as the upstream takes."""
    room: int = 0
    """Entries that are left to the caller."""
    marker: Marker | None = field(default=None, repr=False)
    roll: int = 0
    manner: Manner | None = None
    """How it was marked, once it was sent."""
    sent_to: str = ""
    """The upstream that got the mark last."""
    unmarked: bool = False
    """An upstream rejected the request with the mark; it goes on without."""
    answered: bool = False
    """An upstream took the request on."""

    @property
    def result(self) -> Literal["marked", "skipped", "would_mark", "would_skip"] | None:
        """What came of it; None where there was no answer to mark."""
        if not self.answered:
            return None
        if self.mode == "audit":
            return "would_skip" if self.skip else "would_mark"
        return "marked" if self.sent_to else "skipped"
