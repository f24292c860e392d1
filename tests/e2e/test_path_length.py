"""How long a request's path is, in bytecodes: what a busy machine cannot blur (see bench/bytecodes.py).

A cut of a hundredth shows here, and so does whatever somebody adds to every request. The figures are those of CPython
3.11; they are the path's as it is, and a tenth more. Lower them when it gets shorter. Of the compiled path hardly a
function is left to the interpreter: a module on it that nobody compiles shows, too.
"""

import sys

import pytest

from bench.bytecodes import counted, whole
from gateway.core.build import COMPILED

MOST = {"answered": 15_000, "unknown key": 3_400}
INTERPRETED = {"keep", "Catalogue.lookup", "_n_and_logprobs.<locals>.<lambda>"}
"""What each request enters of ours that stays Python: it stands beside what msgspec or pydantic reads."""

pytestmark = pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="another Python has other bytecodes")


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    return counted(tmp_path_factory.mktemp("answered"), requests=100)


@pytest.mark.interpreted
def test_a_request_takes_no_more_bytecodes_than_before(answered):
    assert 1_000 < whole(answered) <= MOST["answered"]


def test_nothing_else_of_the_compiled_path_is_interpreted(answered):
    entered = {row.name for row in answered if row.file.startswith("gateway/") and row.frames > 0.9}
    assert entered == INTERPRETED if COMPILED else entered > INTERPRETED


@pytest.mark.interpreted
def test_each_step_is_taken_once(answered):
    entered = {row.name: row.frames for row in answered if row.file.startswith("gateway/")}
    for step in ("Pipeline.read", "Pipeline.rule", "Pipeline.finish", "Archive.record", "Sight.look"):
        assert entered[step] == pytest.approx(1, abs=0.05), step  # the first and the last may be seen in part


@pytest.mark.interpreted
def test_the_refusal_of_an_unknown_key_is_short(tmp_path):
    refused = counted(tmp_path, 401, requests=100)
    assert 300 < whole(refused) <= MOST["unknown key"]
    assert not [row for row in refused if row.name == "Pipeline.reserve" and row.frames > 0]
