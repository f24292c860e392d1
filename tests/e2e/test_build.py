"""Which build runs: what the process says of itself, where the suite knows what it is."""

import ast
import os
import re
from pathlib import Path

from gateway.core.build import COMPILED
from setup import LEFT_OUT, PACKAGE, ROOMS, modules
from tests.support.mixed_traffic import scrape
from tests.support.running import running

WANTED = "TEST_COMPILED" in os.environ
"""Set by `make test-all` for the tree that it compiled, so that it cannot be the source that is tested there."""


def test_the_metric_says_which_build_runs(tmp_path):
    with running(tmp_path, upstream="http://127.0.0.1:9/v1") as gateway:
        text = scrape(gateway).decode()
    assert WANTED is COMPILED
    (labels,) = re.findall(r"^gateway_build_info{(.*)} 1", text, re.MULTILINE)
    assert f'compiled="{"true" if WANTED else "false"}"' in labels.split(",")


def test_the_list_of_what_is_compiled_names_what_is_there():
    paths = modules()
    for room, names in ROOMS.items():
        for name in names.split():
            assert name == "*" or (PACKAGE / room / f"{name}.py").is_file(), f"{room}/{name}"
    assert all((PACKAGE / path).is_file() and str(PACKAGE / path) not in paths for path in LEFT_OUT)
    assert "gateway/core/build.py" in paths
    assert len(paths) == len(set(paths))


SOME = {"next", "islice", "takewhile", "zip"}
"""What asks for no more than it needs."""


def partly_read(source):
    """Lines of generator expressions of which some values may do."""
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return [
        argument.lineno
        for call in calls
        if isinstance(call.func, ast.Name) and call.func.id in SOME
        for argument in call.args
        if isinstance(argument, ast.GeneratorExp)
    ]


def test_no_compiled_generator_expression_is_read_in_part():
    """mypyc makes a list of one before anybody asks for its first value: all of it is paid for, each time."""
    assert partly_read("first = next(one for one in many)\nsum(one for one in many)") == [1]
    assert {path: lines for path in modules() if (lines := partly_read(Path(path).read_text()))} == {}
