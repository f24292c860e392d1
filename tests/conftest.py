"""What every test shares."""

import os

from hypothesis import settings

# In CI the same examples every time: a find there would be news about luck, not about the change under test. The search
# goes on wherever people run the tests.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "search")


def pytest_make_parametrize_id(val: object) -> str | None:
    """Keys are drawn anew in each process: as part of a test's name they would make two workers disagree about it."""
    return "credential" if isinstance(val, str) and "sk-" in val else None
