"""Which anomaly alert fires when in each made-up fortnight, and the table of it in docs/monitoring.md.

`python -m tests.support.campaign_report` writes the table anew; it needs the timing traces, Prometheus and promtool.
"""

import os
import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.support.campaign_mix import BENIGN, SCENARIOS, SIGNALS, START_DAY, WEIGHTS, Kind, Scenario
from tests.support.campaign_run import BEGIN, build, dollars, samples
from tests.support.campaign_traffic import DAYS, STEP_S
from tests.support.prometheus import prometheus
from tests.support.promql_rules import Rule, alerts

ROOT: Final = Path(__file__).parents[2]
PAGE: Final = ROOT / "docs" / "monitoring.md"
MARKS: Final = ("<!-- campaigns: begin -->", "<!-- campaigns: end -->")
START: Final = BEGIN + START_DAY * 86400
UNITS: Final = {"m": 60, "h": 3600, "d": 86400, "s": 1}


@dataclass(frozen=True, slots=True)
class Fired:
    """One stretch of firing, in hours after the campaign's start (before it: negative)."""

    alert: str
    begin_h: float
    end_h: float


def traces() -> Path:
    """Where the recorded client rates are: EXCISE_TIMING, or beside the repository."""
    return Path(os.environ.get("EXCISE_TIMING", ROOT.parent / "shared" / "data" / "timing")) / "servegen"


def firing(samples: Mapping[int, float], hold_s: int) -> list[tuple[int, int]]:
    """Stretches in which an alert fires: from the first evaluation `hold_s` after the result began, to its end."""
    found, since, last = [], None, None
    for at in [*sorted(samples), None]:
        if since is not None and last is not None and (at is None or at - last > STEP_S):
            if last - since >= hold_s:
                found.append((since + hold_s, last))
            since = None
        since = at if since is None else since
        last = at
    return found


def play(folder: Path, data: Path) -> dict[str, list[Fired]]:
    """What fired in each scenario, in order of time."""
    found: dict[str, list[Fired]] = {scenario.name: [] for scenario in SCENARIOS}
    with prometheus(folder / "alerts", {}, data=data) as server:
        for rule in anomalies():
            hold = int(rule.hold[:-1]) * UNITS[rule.hold[-1]]
            for name, values in samples(server, rule.expr).items():
                for begin, end in firing(values, hold):
                    found[name].append(Fired(rule.name, (begin - START) / 3600, (end - START) / 3600))
    return {name: sorted(fired, key=lambda one: (one.begin_h, one.alert)) for name, fired in found.items()}


def anomalies() -> list[Rule]:
    return [rule for rule in alerts() if rule.file.name == "anomalies.yaml"]


def table(fired: Mapping[str, list[Fired]]) -> str:
    """The table as it stands in the page."""
    lines = [
        "| fortnight | share | what fired because of it (hours after the start) | what fired without it |",
        "|---|---|---|---|",
    ]
    for scenario in SCENARIOS:
        caused, others = split(scenario, fired[scenario.name])
        first = {one.alert: one.begin_h for one in reversed(caused)}
        after = ", ".join(f"`{name}` {first[name]:.0f}" for name in sorted(first, key=lambda name: (first[name], name)))
        odd = ", ".join(
            f"`{o.alert}` (day {o.begin_h / 24 + START_DAY:.0f}, {o.end_h - o.begin_h:.1f} h)" for o in others
        )
        share = f"{scenario.share:.0%}" if scenario.campaign else "–"
        nothing = "**nothing: missed**" if scenario.campaign else "nothing"
        lines.append(f"| {scenario.says} | {share} | {after or nothing} | {odd or 'nothing'} |")
    return "\n".join(lines)


def split(scenario: Scenario, fired: list[Fired]) -> tuple[list[Fired], list[Fired]]:
    """What the campaign or launch can have caused, and the rest: before the start, or about what it does not move."""
    moved = _moved(scenario)
    caused = [one for one in fired if one.begin_h >= 0 and one.alert in moved]
    return caused, [one for one in fired if one not in caused]


def _moved(scenario: Scenario) -> set[str]:
    """Alerts on signals that the campaign can move by more than the narrowest band, and what a launch explains."""
    found = {"GatewayCostAboveSeason"} if scenario.launch or _extra_cost(scenario) > 0.3 else set()
    if scenario.campaign is None:
        return found
    usual, here = _mix(), shares(scenario.campaign)
    more = {signal for signal, share in here.items() if scenario.share * (share - usual[signal]) > 0.005}
    for rule in anomalies():
        named = re.search(r'signal="(\w+)"', rule.expr)
        if rule.name == "GatewayHarvestPattern" or (named and named[1] in more):
            found.add(rule.name)
    return found


def _extra_cost(scenario: Scenario) -> float:
    """What a campaign adds to the fleet's cost, as a part of it."""
    if scenario.campaign is None:
        return 0.0
    times = dollars(1, scenario.campaign.long_answers) / dollars(1, _mix()["long_answer"])
    return times * scenario.share / (1 - scenario.share)


def _mix() -> dict[str, float]:
    kinds = [(WEIGHTS[name], shares(kind)) for name, kind in BENIGN.items()]
    return {signal: sum(weight * found[signal] for weight, found in kinds) for signal in kinds[0][1]}


def shares(kind: Kind) -> dict[str, float]:
    """A kind's share of every signal that rules know."""
    derived = {"long_answer": kind.long_answers, "many_networks": kind.many_networks, "many_clients": kind.many_clients}
    return dict(zip(SIGNALS, kind.shares, strict=True)) | derived


def facts(fired: Mapping[str, list[Fired]]) -> str:
    """The sentence that counts the alerts nothing made-up explains."""
    false = sum(len(split(scenario, fired[scenario.name])[1]) for scenario in SCENARIOS)
    return f"{false} firings without a cause in {len(SCENARIOS) * DAYS} fleet days."


def compute() -> dict[str, list[Fired]]:
    """Everything from the traces on: a minute or two."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        return play(folder, build(folder, traces()))


def text(fired: Mapping[str, list[Fired]]) -> str:
    """What stands between the marks."""
    return f"{table(fired)}\n\n{facts(fired)}"


def main() -> int:
    found = text(compute())
    page = PAGE.read_text()
    begin, end = (page.index(mark) for mark in MARKS)
    PAGE.write_text(f"{page[: begin + len(MARKS[0])]}\n\n{found}\n\n{page[end:]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
