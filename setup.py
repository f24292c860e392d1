"""Compiles the request path where GATEWAY_COMPILE=1 asks for it; without it the package is Python and nothing else.

mypyc makes a C extension of the same typed source: `make compiled` for a tree to try, the Dockerfile for the image.
docs/performance.md says what that is worth. Settings and everything that is not on the path stay as they are.
"""

import os
from pathlib import Path

from setuptools import Extension, setup

PACKAGE = Path("gateway")
ROOMS = {
    ".": "archive exchange gates later limit_sheet live marks per_plan pipeline record_of rulebook scales sight",
    "accounting": "*",
    "core": "*",
    "detectors": "*",
    "dialects": "*",
    "engine": "*",
    "identity": "addresses authenticate key_cache keys lookup mirror pseudonym standings",
    "observe": "*",
    "policy": """
        bound_limit bound_rule compile conditions facts finding inquiry plan recent refuse ruling situation
        upstream_limits wording words
    """,
    "policy/diff": "asking",
    "policy/criteria": "*",
    "server": """
        answer_head body direct guarded guards handler hot_connection hot_lane hot_request inbound known_heads
        last_head plain_head receipts respond routes sent stream unread unsaid
    """,
    "stores": "memory",
    "stores/book": "memory",
    "texts": "expressions form index matcher near",
    "upstreams": "base breaker bridge errand forwarded gate head headers upstream",
    "upstreams/pool": "*",
}
"""What a request runs through, by room; `*` is all of it. Not in these lists: pydantic's models, since mypyc holds an
attribute to its type and pydantic puts a description there first; records, which msgspec reads by their annotations, of
which mypyc leaves others; the subclass of aiohttp's protocol, which has slots; what inherits from several classes."""
LEFT_OUT = (
    "dialects/output.py",
    *(f"observe/{name}.py" for name in ("facts", "records")),
    *(f"policy/criteria/{name}.py" for name in ("terms", "text", "time", "usage")),
)
"""Of whole rooms: what mypyc 2.4 fails on (a reversed view of a dictionary), what annotates for pydantic or msgspec."""

FLAGS = ["--follow-imports=silent"]
"""For mypyc's own type check: other modules are read, and judged by `make check`."""


def modules() -> list[str]:
    """Paths of the modules that are compiled."""
    wanted = [f"{room}/{name}.py" for room, names in ROOMS.items() for name in names.split()]
    found = {path for pattern in wanted for path in PACKAGE.glob(pattern) if path.stem != "__init__"}
    return sorted(str(path) for path in found - {PACKAGE / path for path in LEFT_OUT})


def extensions() -> list[Extension]:
    """One shared library for all of them, so that calls between rooms are plain calls, and a stub for each."""
    from mypyc.build import mypycify  # noqa: PLC0415 - part of mypy, which a plain build does not need

    made = mypycify([*FLAGS, *modules()], opt_level="2", debug_level="0", multi_file=True)
    for extension in made:
        extension.extra_compile_args.append("-fvisibility=hidden")  # or calls between modules go through a table
    return made


if __name__ == "__main__":
    wanted = os.environ.get("GATEWAY_COMPILE", "0")
    if wanted not in ("0", "1"):
        raise SystemExit(f"GATEWAY_COMPILE: 0 or 1 was expected, not {wanted!r}")
    setup(ext_modules=extensions() if wanted == "1" else [])
