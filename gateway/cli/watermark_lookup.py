"""The registry for the detector: where its fingerprints are, and with which keys they were made."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gateway.cli.registry_place import FOLDER, registry_roots
from gateway.forensics.fingerprints import Lookup
from gateway.registry.shelf import shelves
from gateway.watermarks.keys import Master

EXCLUDE: Final = "--registry and --no-registry exclude each other"


def registries(named: Sequence[Path], directory: Path | None) -> list[Path]:
    """The folders of replicas: those that were named, or that of the watermark folder where there is one."""
    if named:
        return list(named)
    own = None if directory is None else directory / FOLDER
    return [own] if own is not None and own.is_dir() else []


def lookup_in(folders: Sequence[Path], master: Master, prompt: str | None, until_ms: int) -> Lookup | None:
    """None where no folder is given. Raises RegistryUnavailable, before any text was looked at."""
    if not folders:
        return None
    found = [shelf for folder in folders for shelf in shelves(folder)]
    return Lookup(found, registry_roots(master), prompt, until_ms)
