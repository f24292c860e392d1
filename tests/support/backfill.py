"""History for a Prometheus that has just been started: blocks made by promtool, so that nobody waits for a week."""

import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

TICK_S = 5
"""Between two samples."""


def history(exposition: str, names: Iterable[str], start: float, end: float, **labels: str) -> list[str]:
    """OpenMetrics lines of the named series of a scrape, as if they had grown evenly up to what they are now."""
    wanted = frozenset(names)
    ticks = range(int(start), int(end), TICK_S)
    return [
        line(sample.name, {**sample.labels, **labels}, sample.value * (1 + number), at)
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
        if sample.name in wanted
        for number, at in enumerate(ticks)
    ]


def line(name: str, labels: Mapping[str, str], value: float, at: int) -> str:
    said = ",".join(f'{label}="{value}"' for label, value in labels.items())
    return f"{name}{{{said}}} {value} {at}"


def write_blocks(folder: Path, lines: Iterable[str]) -> Path:
    """A data folder for Prometheus with these samples in it."""
    folder.mkdir(parents=True)
    text, data = folder / "history.txt", folder / "data"
    text.write_text("\n".join([*lines, "# EOF", ""]))
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", str(text), str(data)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return data
