"""What a test needs and may not find: a skip that shows in the count, in CI a failure."""

import os

import pytest


def missing(what: str) -> None:
    """End the test: `what` is not here. CI installs everything, so there it is a fault."""
    if os.environ.get("CI"):
        pytest.fail(what, pytrace=False)
    pytest.skip(what)
