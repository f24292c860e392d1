"""The tables of a comparison, in Markdown."""

from collections.abc import Callable, Sequence

from bench.compare.figures import Figures, Waits
from bench.compare.goals import goals
from bench.compare.lineup import DIRECT, NGINX, REFERENCE
from bench.compare.plan import ComparePlan
from bench.report import ratio, spread, table
from bench.statistics import lower_quartile


def tables(figures: Figures, plan: ComparePlan, versions: dict[str, str]) -> list[str]:
    """All, in the order in which they are read: what was asked for comes first."""

    def named(name: str) -> str:
        return f"{name} ({versions[name]})" if versions.get(name) else name

    made = [table("Goals", ("figure", "goal", "found", ""), [goal.row() for goal in goals(figures)])]
    if figures.requests:
        made.append(_requests(figures, plan, named))
    if figures.refusals:
        made.append(_refusals(figures))
    if figures.chunks:
        made.append(_chunks(figures, plan, named))
    if figures.waits:
        made.append(_waits(figures, plan, named))
    if figures.crowds:
        made.append(_crowds(figures, plan, named))
    if figures.starts:
        made.append(_starts(figures, named))
    if figures.overshoots:
        made.append(_overshoots(figures))
    missing = [name for name, version in versions.items() if not version]
    notes = [f"Limits of the account that carries the load: {_limits(figures)}."]
    notes += [f"Not installed, so not measured: {'; '.join(missing)}."] if missing else []
    notes += [f"A crowd through {named(name)}: {why}." for name, why in figures.failed_crowds.items()]
    return ["\n\n".join(notes) + "\n", *made]


def _limits(figures: Figures) -> str:
    each = ", ".join(f"{count} of {policy}" for policy, count in figures.limits.items())
    return f"{sum(figures.limits.values())} ({each})"


def _requests(figures: Figures, plan: ComparePlan, named: Callable[[str], str]) -> str:
    nginx = figures.requests[NGINX].costs if NGINX in figures.requests else []
    own = figures.requests[REFERENCE].costs if REFERENCE in figures.requests else []
    rows = []
    for name, found in figures.requests.items():
        row = [named(name), f"{max(found.rates):,.0f}"]
        if any(found.costs):
            row += [spread(found.costs), f"{1e6 / lower_quartile(found.costs):,.0f}"]
            row += [ratio(found.costs, base) if base else "-" for base in (nginx, own)]
        else:
            row += ["-"] * 4
        rows.append(row)
    per_request = "CPU µs/request best / quartile / median"
    return table(
        f"Requests: 1 KB in, 0.6 KB out, {plan.windows.connections} connections, closed loop; "
        f"LiteLLM with {plan.slow_connections}",
        ("target", "best req/s", per_request, "req/s per core", "× nginx", "× reference lane"),
        rows,
    )


def _refusals(figures: Figures) -> str:
    rows = [
        [f"{name}: {answer}", spread(costs), f"{1e6 / lower_quartile(costs):,.0f}"]
        for (name, answer), costs in figures.refusals.items()
    ]
    return table("Refusals", ("answer", "CPU µs/refusal best / quartile / median", "refusals/s per core"), rows)


def _chunks(figures: Figures, plan: ComparePlan, named: Callable[[str], str]) -> str:
    base = figures.chunks.get(NGINX)
    rows = [[named(name), spread(c), ratio(c, base) if base else "-"] for name, c in figures.chunks.items()]
    per_s = plan.windows.streams * 1000 // plan.windows.chunk_pace_ms
    return table(
        f"Stream chunks: {plan.windows.streams} streams, {per_s:,} chunks/s in all, usage metered by the gateway",
        ("target", "CPU µs/chunk best / quartile / median", "× nginx"),
        rows,
    )


def _waits(figures: Figures, plan: ComparePlan, named: Callable[[str], str]) -> str:
    direct = figures.waits.get(DIRECT, Waits([0.0], [0.0]))
    base = [lower_quartile(values) for values in (direct.p50, direct.p99)]
    rows = []
    for name, found in figures.waits.items():
        own = [lower_quartile(values) for values in (found.p50, found.p99)]
        added = [f"{mine - none:+.2f}" for mine, none in zip(own, base, strict=True)]
        rows.append([named(name), *(f"{value:.2f}" for value in own), *added])
    return table(
        f"Delay in ms of whole answers: {plan.open_per_s} requests/s at random instants, open loop",
        ("target", "p50", "p99", "added: p50", "p99"),
        rows,
    )


def _crowds(figures: Figures, plan: ComparePlan, named: Callable[[str], str]) -> str:
    rows = [
        [
            named(name), f"{crowd.per_s:,.0f}", f"{crowd.lost:,}", f"{crowd.p50_ms:.1f}", f"{crowd.p99_ms:.1f}",
            *(["-", "-"] if name == DIRECT else [f"{crowd.cpu_share:.0%}", f"{crowd.kib_per_stream:.1f}"]),
        ]
        for name, crowd in figures.crowds.items()
    ]  # fmt: skip
    per_s = 1000 // plan.crowd_pace_ms
    return table(
        f"A crowd: {plan.crowd_streams:,} streams at once, {per_s} chunks/s each, fresh processes",
        ("target", "chunks/s", "lost", "chunk p50, ms", "chunk p99, ms", "CPU of a core", "KiB per stream"),
        rows,
    )


def _starts(figures: Figures, named: Callable[[str], str]) -> str:
    rows = [
        [named(name), _three(found.seconds), f"{lower_quartile(found.mib):.1f}", f"{len(found.seconds)}"]
        for name, found in figures.starts.items()
    ]
    return table("Start", ("target", "s to the first answer, best / quartile / median", "idle MiB", "starts"), rows)


def _three(values: Sequence[float]) -> str:
    return " / ".join(
        f"{value:.2f}" for value in (min(values), lower_quartile(values), sorted(values)[len(values) // 2])
    )


def _overshoots(figures: Figures) -> str:
    rows = [
        [f"{name}: {unit}", f"{found.limit:,}", f"{found.used:,}", f"{found.over:,}"]
        for (name, unit), found in figures.overshoots.items()
    ]
    return table("Limits used up under load", ("limit", "amount", "admitted or used", "over"), rows)
