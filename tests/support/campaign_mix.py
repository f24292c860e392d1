"""Who sends what: the share of each signal in the requests of a kind of client, benign kinds and campaigns.

Nobody's traffic is recorded here. Single turns, wrappers, reasoning and rubrics are near what docs/signals.md measured
in the corpora of each kind; everything else is a plausible value. Long answers of benign kinds are near the token
traces (`timing/azure_llm_2023_*`: 1.1 % of conversations and 0.3 % of code are over 4), higher where people chat.
Campaign shapes follow the public reports: many small accounts, one wrapper, prompts that never repeat.
"""

from dataclasses import dataclass
from typing import Final

SIGNALS: Final = (
    "distinct_prompt", "single_turn", "repeated_wrapper", "reasoning_elicitation", "rubric", "logprobs",
    "multiple_choices", "stream_completed", "new_account", "young_model",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kind:
    """Shares by signal, in the order of SIGNALS, each of the requests it applies to.

    `streams`: share of requests that are streams. `long_answers`: output over 4 times the input. `many_networks` and
    `many_clients`: requests whose key was seen from more than 8 of them.
    """

    shares: tuple[float, ...]
    streams: float
    long_answers: float
    many_networks: float = 0.0
    many_clients: float = 0.0


# distinct single wrapper elicits rubric logprobs n>1 completed new young
BENIGN: Final = {
    "chat": Kind((0.96, 0.35, 0.01, 0.003, 0.001, 0.001, 0.003, 0.82, 0.06, 0.02), 0.95, 0.06, 0.04, 0.01),
    "support": Kind((0.85, 0.60, 0.00, 0.001, 0.000, 0.000, 0.000, 0.88, 0.01, 0.00), 0.70, 0.03, 0.01),
    "pipeline": Kind((0.90, 1.00, 0.61, 0.010, 0.005, 0.020, 0.010, 0.99, 0.01, 0.01), 0.10, 0.05, 0.03),
    "retrieval": Kind((0.85, 0.70, 0.40, 0.003, 0.001, 0.005, 0.002, 0.92, 0.01, 0.01), 0.60, 0.01, 0.02),
    "agent": Kind((0.50, 0.11, 0.05, 0.004, 0.001, 0.000, 0.000, 0.93, 0.03, 0.03), 0.70, 0.01, 0.05, 0.02),
    "code": Kind((0.95, 0.90, 0.09, 0.001, 0.000, 0.010, 0.030, 0.75, 0.03, 0.01), 0.60, 0.003, 0.05, 0.01),
    "judge": Kind((0.97, 1.00, 0.94, 0.060, 1.000, 0.300, 0.150, 0.99, 0.01, 0.02), 0.05, 0.02, 0.01),
}
WEIGHTS: Final = {
    "chat": 0.42, "support": 0.12, "pipeline": 0.12, "retrieval": 0.12, "agent": 0.10, "code": 0.10, "judge": 0.02,
}  # fmt: skip
"""Share of the fleet's requests by kind of client."""

HARVEST: Final = Kind((0.99, 1.00, 0.86, 0.02, 0.005, 0.01, 0.01, 0.995, 1.0, 0.30), 0.50, 0.75)
"""Many new accounts, one wrapper, seeds that never repeat, long answers read to their end."""
ELICITING: Final = Kind((0.99, 1.00, 0.80, 1.00, 0.005, 0.01, 0.01, 0.995, 0.5, 0.30), 0.50, 0.70)
"""The same, asking for the reasoning behind each answer; half of the accounts are old."""
GRADING: Final = Kind((0.98, 1.00, 0.94, 0.06, 1.00, 0.40, 0.30, 0.99, 0.5, 0.10), 0.10, 0.02)
"""The model as a judge of another model's answers."""
RESOLD: Final = Kind((0.94, 0.40, 0.03, 0.005, 0.001, 0.003, 0.005, 0.85, 0.2, 0.05), 0.90, 0.10, 0.95, 0.90)
"""A relay: the traffic of many people behind a few keys."""
STEALTHY: Final = Kind((0.97, 0.80, 0.02, 0.005, 0.001, 0.001, 0.003, 0.95, 0.05, 0.03), 0.80, 0.30)
"""Bare seeds over accounts that are months old, some turns made up, nothing that stands out."""
PIVOTING: Final = Kind((0.99, 1.00, 0.86, 0.02, 0.005, 0.01, 0.01, 0.995, 0.3, 1.00), 0.50, 0.70)
"""A harvest that moves to a new model on its first day."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A fleet's fortnight. `share`: the campaign's part of all requests from `START_DAY` on. `launch`: a new model."""

    name: str
    says: str
    seed: int
    campaign: Kind | None = None
    share: float = 0.0
    launch: bool = False


START_DAY: Final = 10
SCENARIOS: Final = (
    Scenario("normal-1", "a normal fortnight", 101),
    Scenario("normal-2", "another fleet's", 102),
    Scenario("launch", "launch of a model: traffic doubles in 6 h, a third of it on the new model", 103, launch=True),
    Scenario("harvest-2", "harvest over new accounts", 104, HARVEST, 0.02),
    Scenario("harvest-5", "harvest over new accounts", 105, HARVEST, 0.05),
    Scenario("harvest-20", "harvest over new accounts", 106, HARVEST, 0.20),
    Scenario("eliciting-2", "harvest of reasoning, half of the accounts old", 107, ELICITING, 0.02),
    Scenario("eliciting-5", "harvest of reasoning, half of the accounts old", 108, ELICITING, 0.05),
    Scenario("grading-2", "the model as a judge", 109, GRADING, 0.02),
    Scenario("grading-5", "the model as a judge", 110, GRADING, 0.05),
    Scenario("grading-20", "the model as a judge", 111, GRADING, 0.20),
    Scenario("resale-2", "many people behind a few keys", 112, RESOLD, 0.02),
    Scenario("resale-5", "many people behind a few keys", 113, RESOLD, 0.05),
    Scenario("pivot-5", "harvest that moves to a model launched that day", 114, PIVOTING, 0.05, launch=True),
    Scenario("stealthy-5", "bare seeds over old accounts", 115, STEALTHY, 0.05),
    Scenario("stealthy-20", "bare seeds over old accounts", 116, STEALTHY, 0.20),
)  # fmt: skip
"""Each has a fleet of its own. The thresholds were set on other fleets (seeds 1 to 16), and only tried on these."""
