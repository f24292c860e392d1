"""What a test needs and may not find: a skip that shows in the count, in CI a failure."""

import os
from importlib.util import find_spec

import pytest


def missing(what: str) -> None:
    """End the test: `what` is not here. CI installs everything, so there it is a fault."""
    if os.environ.get("CI"):
        pytest.fail(what, pytrace=False)
    pytest.skip(what)


def needs_numpy() -> None:
    """For the top of a test file that scores codewords: without numpy the whole file is one counted skip."""
    if find_spec("numpy"):
        return
    what = "needs numpy: make test installs requirements/watermark.txt"
    if os.environ.get("CI"):
        pytest.fail(what, pytrace=False)
    pytest.skip(what, allow_module_level=True)
