"""Reads everything that `serve` would read and collects what is wrong, instead of stopping at the first file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from gateway.catalogue import load_catalogue
from gateway.config import Config, SecretMissing, load_config, upstream_key
from gateway.hints import hints
from gateway.identity.countries import load_countries
from gateway.identity.directory import load_directory
from gateway.mark_files import load_mark_files
from gateway.policy.load import read_directory
from gateway.sources import load_snapshot, peppers_of
from gateway.yamlio import Problem, YamlProblems

T = TypeVar("T")


@dataclass(slots=True)
class Checked:
    """What was found. `config` is None when the settings themselves are wrong; then nothing else was read."""

    config: Config | None = None
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    hints: list[str] = field(default_factory=list)
    """What no single file shows to be wrong."""

    def attempt(self, step: Callable[[], T]) -> T | None:
        """Run a step and keep its problems."""
        try:
            return step()
        except YamlProblems as error:
            self.problems.extend(problem for problem in error.problems if problem not in self.problems)
            return None


def check(path: Path | None, env: Mapping[str, str], now_ms: int) -> Checked:
    """Settings, accounts, models, policies, countries, pair tables and credentials. Touches no network."""
    checked = Checked()
    checked.config = checked.attempt(lambda: load_config(path, env))
    if checked.config is None:
        return checked
    settings = checked.config.settings
    checked.warnings.extend(checked.config.warnings)
    peppers = checked.attempt(lambda: peppers_of(settings))
    if peppers is not None:
        checked.attempt(lambda: load_directory(settings.files.accounts, peppers))
    checked.attempt(lambda: load_catalogue(settings.files.models, settings.upstreams))
    checked.attempt(lambda: read_directory(settings.files.policies))
    checked.attempt(lambda: load_countries(settings.data.country_file))
    marks = settings.watermark
    if marks is not None:
        checked.attempt(lambda: load_mark_files(marks))
    if peppers is not None and not checked.problems:
        # Each file is fine by itself: what is left is what they say of each other.
        snapshot = checked.attempt(lambda: load_snapshot(settings, peppers, now_ms))
        if snapshot is not None:
            checked.hints.extend(hints(settings, snapshot))
    for name, upstream in settings.upstreams.items():
        try:
            upstream_key(name, upstream, env)
        except SecretMissing as error:
            place = checked.config.layers.place(("upstreams", name))
            checked.problems.append(Problem(place.source, place.line, place.column, str(error)))
    return checked
