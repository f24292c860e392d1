"""What is generated: cells of equal settings, and in which order their texts come."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

MOST_TOKENS: Final = 150_000
"""Of all texts together: a run on two cores ends within two hours."""
ANSWER_TOKENS: Final = 400
ACCOUNTS: Final = 4
"""Texts of a cell are dealt to so many accounts, each with a key of its own."""
SAMPLE_TEXTS: Final = 36
"""Unmarked texts that the pair table is made from, before anything is marked; none of them is judged."""
JUDGED_OPENINGS: Final = 28
"""Openings of the texts that are judged, the same in every cell."""

Pairing = Literal["rivals", "neighbours", "frequency"]
"""How partners are found: by the model's probabilities, by neighbouring words, or as the next word by frequency."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Texts of one setting. Strength 0 is unmarked."""

    temperature: float
    entries: int = 0
    strength: float = 0.0
    kind: str = "prose"
    texts: int = 0
    """How many texts when everything is done."""
    skip: int = 0
    """The most frequent pairs, so many, get no entries."""
    pairing: Pairing = "rivals"

    @property
    def name(self) -> str:
        mark = f"{self.entries}x{self.strength:g}" if self.strength else "unmarked"
        mark += f"-skip{self.skip}" if self.skip else ""
        mark += f"-{self.pairing}" if self.pairing != "rivals" else ""
        return f"{self.kind}-T{self.temperature:g}-{mark}"


@dataclass(frozen=True, slots=True)
class Job:
    """One text. Its seed makes it the same text again on the same machine."""

    cell: Cell
    number: int

    @property
    def account(self) -> str:
        return f"account-{self.number % ACCOUNTS}"

    @property
    def opening(self) -> int:
        """The sample has openings of its own, so that the table knows nothing of what is judged."""
        if self.cell.kind == "sample":
            return self.number
        return SAMPLE_TEXTS + self.number % JUDGED_OPENINGS

    @property
    def seed(self) -> int:
        return 1_000 + self.number


SAMPLE: Final = Cell(1.0, kind="sample", texts=SAMPLE_TEXTS)
TEMPERATURES: Final = {1.0: 36, 0.7: 16, 0.4: 10}
"""With the texts of each marked cell."""
MARKED: Final = tuple(
    Cell(temperature, entries, strength, texts=texts)
    for temperature, texts in TEMPERATURES.items()
    for entries in (1024, 300)
    for strength in (2.0, 1.0)
)
UNMARKED: Final = tuple(Cell(temperature, texts=28 if temperature == 1 else 12) for temperature in TEMPERATURES)
CODE: Final = (Cell(1.0, kind="code", texts=8), Cell(1.0, 1024, 2.0, kind="code", texts=8))
SKIPPED: Final = Cell(1.0, 1024, 2.0, texts=10, skip=24)
PAIRED: Final = (
    Cell(1.0, 300, 2.0, texts=10, pairing="neighbours"),
    Cell(1.0, 300, 2.0, texts=10, pairing="frequency"),
)
CELLS: Final = (*MARKED, *UNMARKED, *CODE, SKIPPED, *PAIRED)


def jobs() -> Iterator[Job]:
    """All but the sample, cells in turn: whatever is done when a run is cut short can be judged."""
    order = [
        ((number + 0.5) / cell.texts, at, Job(cell, number))
        for at, cell in enumerate(CELLS)
        for number in range(cell.texts)
    ]
    return (job for *_, job in sorted(order, key=lambda entry: entry[:2]))
