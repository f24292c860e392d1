"""Keeping and looking up need no numpy; only sorting does."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from tests.support.needs import missing

ROOM = Path(__file__).parents[3] / "gateway" / "registry"
PURE = sorted(path.stem for path in ROOM.glob("*.py") if path.stem not in {"__init__", "postings"})


def loads_numpy(*names: str) -> bool:
    code = f"import sys, {', '.join(names)}; sys.exit(41 if 'numpy' in sys.modules else 40)"
    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=60)
    assert done.returncode in {40, 41}
    return done.returncode == 41


def test_the_room_but_for_one_file_does_not_need_it():
    assert len(PURE) > 10
    assert not loads_numpy(*(f"gateway.registry.{name}" for name in PURE), "gateway.cli.trace", "gateway.cli.registry")


def test_sorting_does():
    if not find_spec("numpy"):
        missing("needs numpy: make test installs requirements/watermark.txt")
    assert loads_numpy("gateway.registry.postings")
