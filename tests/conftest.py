"""What every test shares."""

import os

from hypothesis import HealthCheck, settings

# In CI the same examples every time: a find there would be news about luck, not about the change under test. The search
# goes on wherever people run the tests.
NO_CLOCK = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("ci", derandomize=True, **NO_CLOCK)
settings.register_profile("search", **NO_CLOCK)
settings.load_profile("ci" if os.environ.get("CI") else "search")


def pytest_make_parametrize_id(val: object) -> str | None:
    """Keys are drawn anew in each process: as part of a test's name they would make two workers disagree about it."""
    return "credential" if isinstance(val, str) and "sk-" in val else None
