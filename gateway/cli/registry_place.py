"""Where the fingerprints are, and the secret that they were made with: from the settings, or named one by one."""

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.cli.config_cmd import config_path
from gateway.config import load_config
from gateway.config.watermark import WatermarkEntry
from gateway.registry.shelf import Shelf, shelves
from gateway.watermarks.keys import KeyPath, Master
from gateway.watermarks.secret import read_master

FOLDER: Final = "registry"
"""Below `watermark.directory`."""


class NoPlace(Exception):  # noqa: N818 - wrong usage
    """The flags and settings name no registry; the message says what to give."""


@dataclass(frozen=True, slots=True)
class Place:
    """Folders of replicas and epochs."""

    registries: tuple[Path, ...]
    entry: WatermarkEntry | None

    def shelves(self) -> list[Shelf]:
        """Raises RegistryUnavailable."""
        return [shelf for registry in self.registries for shelf in shelves(registry)]


def add_place_flags(parser: argparse.ArgumentParser) -> None:
    """Where the registry is."""
    parser.add_argument("--config", type=Path, metavar="FILE", help="gateway.yaml; else GATEWAY_CONFIG")
    parser.add_argument(
        "--registry", type=Path, action="append", default=[], metavar="DIR",
        help="a folder of replicas, instead of the settings' own; may be repeated",
    )  # fmt: skip


def place_of(args: argparse.Namespace) -> Place:
    """Raises NoPlace, and YamlProblems for settings that cannot be read."""
    path = config_path(args)
    entry = None
    if path is not None and (args.config is not None or not args.registry):
        if not path.is_file():
            raise NoPlace(f"{path}: no such file")
        entry = load_config(path, os.environ).settings.watermark
        if entry is None:
            raise NoPlace(f"{path}: the settings have no watermark")
    if args.registry:
        return Place(tuple(args.registry), entry)
    if entry is None:
        raise NoPlace("expected --config, GATEWAY_CONFIG, or --registry")
    return Place((entry.directory / FOLDER,), entry)


def roots(args: argparse.Namespace, place: Place) -> Callable[[str], bytes]:
    """The registry key of an epoch. Raises NoPlace and BadSecret."""
    path: Path | None = args.secret_file
    if path is None and place.entry is not None:
        path = place.entry.secret_file
    if path is None:
        raise NoPlace("--registry without settings needs --secret-file")
    return registry_roots(read_master(path))


def registry_roots(master: Master) -> Callable[[str], bytes]:
    """The registry key of an epoch, by its name."""
    return lambda epoch: master.root(KeyPath("registry", 1, "", epoch, "provider"))
