"""The policies of the golden files, and how what comes of them is compared."""

import os
from pathlib import Path

from gateway.policy.compile import PolicySet, compile_files
from gateway.policy.definitions import read_definitions
from gateway.policy.load import policy_paths, read_files

HERE = Path(__file__).parent
PLANS = HERE / "plans"
NAMES = sorted(path.stem for path in policy_paths(PLANS))


def compiled(*names: str) -> PolicySet:
    return compile_files(read_files([PLANS / f"{name}.yaml" for name in names]), read_definitions(PLANS))


def check(golden: Path, text: str) -> None:
    """Against a file; with UPDATE_GOLDEN=1 the file is written anew, for a person to read the difference."""
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(text)
    assert text == golden.read_text()
