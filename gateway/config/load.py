"""Reads the settings: flags over environment over file over defaults."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.config.layers import Layered, from_environment, from_flags
from gateway.config.settings import Settings
from gateway.validate import build
from gateway.yamlio import load_file


@dataclass(frozen=True, slots=True)
class Config:
    """Checked settings, and the layers they came from."""

    settings: Settings
    layers: Layered

    @property
    def warnings(self) -> tuple[str, ...]:
        """What works and should not stay so."""
        settings = self.settings
        warnings = []
        if settings.store == "memory:":
            warnings.append("store: memory: forgets all usage at exit; expected sqlite:PATH outside tests")
        if not settings.key_pepper_files:
            warnings.append("key_pepper_files: none, so no stored key can be verified")
        if settings.admin.host not in ("127.0.0.1", "localhost", "::1"):
            warnings.append("admin.host: the admin API can be reached from other machines")
        for ended, next_one in settings.watermark.gaps if settings.watermark else ():
            warnings.append(f"watermark.epochs: nothing is marked between {ended} and {next_one}")
        for name, upstream in settings.upstreams.items():
            if upstream.pass_unknown:
                warnings.append(f"upstreams.{name}.pass_unknown: request fields nobody has priced reach the upstream")
            if upstream.base_url.startswith("http://") and (upstream.api_key_file or upstream.api_key_env):
                warnings.append(f"upstreams.{name}.base_url: its API key is sent without TLS")
        return tuple(warnings)


def load_config(
    path: Path | None, env: Mapping[str, str] | None = None, flags: Mapping[str, str] | None = None
) -> Config:
    """Read and check the settings. `flags` are dotted paths and texts. Raises YamlProblems."""
    file = load_file(path) if path is not None else None
    environment = os.environ if env is None else env
    assignments = from_environment(environment, file.value if file else None)
    layers = Layered(file, [*assignments, *from_flags(flags or {})])
    base = path.absolute().parent if path is not None else Path.cwd()
    return Config(build(layers, Settings, {"base": base}), layers)
