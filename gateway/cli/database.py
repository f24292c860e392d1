"""Verbs that work on the usage database of the settings while no gateway runs on it."""

import argparse
import sys
from pathlib import Path

from gateway.cli.config_cmd import config_path
from gateway.config import load_config
from gateway.yamlio import YamlProblems

_SQLITE = "sqlite:"


def add_config(verb: argparse.ArgumentParser) -> None:
    """The flag that names the settings."""
    verb.add_argument("--config", type=Path, metavar="FILE", help="gateway.yaml; else GATEWAY_CONFIG")


def database_of(args: argparse.Namespace) -> Path | int:
    """The usage database, or the exit status when there is none; what is wrong has been printed then."""
    path = config_path(args)
    if path is not None and not path.is_file():
        print(f"gateway {args.command}: {path}: no such file", file=sys.stderr)
        return 2
    try:
        store = load_config(path).settings.store
    except YamlProblems as error:
        print(error, file=sys.stderr)
        return 1
    if not store.startswith(_SQLITE):
        print(f"gateway {args.command}: store: expected sqlite:PATH; this one keeps no file", file=sys.stderr)
        return 2
    return Path(store.removeprefix(_SQLITE))
