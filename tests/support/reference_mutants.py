"""The engine with one guard taken out, as modules of its own beside the real ones, and the checks that must notice."""

import contextlib
import importlib.abc
import importlib.util
import inspect
import itertools
import re
import sys
from functools import partial
from pathlib import Path

import pytest
from hypothesis import is_hypothesis_test

ENGINE = Path(__file__).parents[2] / "gateway" / "engine"
UNIT_TESTS = sorted((Path(__file__).parents[1] / "unit" / "engine").glob("test_*.py"))
MUTANT = re.compile(r"^## (\w+): ([^\n]+)\n<<<<\n(.*?)\n====\n(.*?)\n>>>>$", re.MULTILINE | re.DOTALL)


def listed(path):
    """Name to (file, what is replaced, by what)."""
    return {f"{file}: {why}": (file, old, new) for file, why, old, new in MUTANT.findall(path.read_text())}


class Mutated(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds `gateway.engine.*`, with one text replaced in one file."""

    def __init__(self, file="", old="", new=""):
        self.file, self.old, self.new = file, old, new

    def find_spec(self, fullname, path=None, target=None):
        if fullname != "gateway.engine" and not fullname.startswith("gateway.engine."):
            return None
        return importlib.util.spec_from_loader(fullname, self, is_package=fullname == "gateway.engine")

    def is_package(self, fullname):
        return fullname == "gateway.engine"

    def get_source(self, fullname):
        file = fullname.rpartition(".")[2]
        if file == "engine":
            return ""
        text = (ENGINE / f"{file}.py").read_text()
        if file == self.file:
            assert text.count(self.old) == 1, "the guard is where the list says"
            text = text.replace(self.old, self.new)
        return text


@contextlib.contextmanager
def engine_of(mutant):
    """Within, `gateway.engine` is the mutated one for whoever imports it; the real modules come back afterwards."""
    import gateway.engine

    def taken():
        return {name: sys.modules.pop(name) for name in list(sys.modules) if re.match(r"gateway\.engine\b", name)}

    real, package = taken(), gateway.engine
    sys.meta_path.insert(0, mutant)
    try:
        yield
    finally:
        sys.meta_path.remove(mutant)
        taken()
        sys.modules.update(real)
        gateway.engine = package


def unit_checks():
    """The engine's unit tests, bound to the engine of the moment: the plain ones, and those that look for examples."""
    plain, searching = [], []
    for path in UNIT_TESTS:
        spec = importlib.util.spec_from_file_location(f"mutated_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        for name, test in vars(module).items():
            if name.startswith("test_"):
                (searching if is_hypothesis_test(test) else plain).extend(calls_of(test))
    return plain, searching


def calls_of(test):
    """One call for each set of parameters."""
    marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
    columns = []
    for mark in marks:
        names = mark.args[0] if isinstance(mark.args[0], list | tuple) else re.split(r",\s*", mark.args[0])
        rows = [row.values if hasattr(row, "marks") else row for row in mark.args[1]]
        columns.append([dict(zip(names, row if len(names) > 1 else [row], strict=True)) for row in rows])
    for chosen in itertools.product(*columns):
        yield partial(call, test, {name: value for row in chosen for name, value in row.items()})


def call(test, arguments):
    """The one fixture that unit tests of the engine use is `monkeypatch`."""
    with pytest.MonkeyPatch.context() as patch:
        wanted = {"monkeypatch": patch} if "monkeypatch" in inspect.signature(test).parameters else {}
        test(**arguments, **wanted)
