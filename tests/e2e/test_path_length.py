"""How long a request's path is, in bytecodes: what a busy machine cannot blur (see bench/bytecodes.py).

A cut of a hundredth shows here, and so does whatever somebody adds to every request. The figures are those of CPython
3.11; they are the path's as it is, and a tenth more. Lower them when it gets shorter. Of the compiled path hardly a
bytecode is left: a module on it that nobody compiles shows, too.
"""

import sys

import pytest

from bench.bytecodes import counted, whole
from gateway.core.build import COMPILED

LEAST, MOST, MOST_REFUSED = (30, 100, 100) if COMPILED else (300, 15_000, 3_400)

pytestmark = pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="another Python has other bytecodes")


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    return counted(tmp_path_factory.mktemp("answered"), requests=100)


def test_a_request_takes_no_more_bytecodes_than_before(answered):
    assert LEAST < whole(answered) <= MOST


@pytest.mark.interpreted
def test_each_step_is_taken_once(answered):
    entered = {row.name: row.frames for row in answered if row.file.startswith("gateway/")}
    for step in ("Pipeline.read", "Pipeline.rule", "Pipeline.finish", "Archive.record", "Sight.look"):
        assert entered[step] == pytest.approx(1, abs=0.05), step  # the first and the last may be seen in part


def test_the_refusal_of_an_unknown_key_is_short(tmp_path):
    refused = counted(tmp_path, 401, requests=100)
    assert LEAST < whole(refused) <= MOST_REFUSED
    assert not [row for row in refused if row.name == "Pipeline.reserve" and row.frames > 0]
