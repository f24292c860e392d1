"""Reading what callgrind wrote."""

import pytest

from bench.callgrind import read
from bench.instructions import shown

PROFILE = """\
# callgrind format
version: 1
creator: callgrind-3.19.0
positions: line
events: Ir

ob=(1) /lib/libpython3.11.so.1.0
fl=(1) Objects/call.c
fn=(1) PyObject_Call
10 40
+2 2
cob=(2) /tree/abc__mypyc.so
cfi=(2) ???
cfn=(2) CPyDef_ledger___Ledger____settle
calls=4 0
* 600

ob=(2)
fn=(2)
0 120
cob=(1)
cfn=(1)
calls=8 10
0 480
fn=(3) CPyDef_scales___take_Scales_gen_____mypyc_generator_helper__
0 8

totals: 170
"""


def test_costs_are_told_from_those_of_calls():
    profile = read(PROFILE.splitlines(keepends=True))
    told = {one.name: (one.own, one.below, one.entered) for one in profile.functions.values()}
    assert told == {
        "PyObject_Call": (42, 600, 8),
        "CPyDef_ledger___Ledger____settle": (120, 480, 4),
        "CPyDef_scales___take_Scales_gen_____mypyc_generator_helper__": (8, 0, 0),
    }
    assert profile.libraries == {"/lib/libpython3.11.so.1.0": 42, "/tree/abc__mypyc.so": 128}
    assert profile.whole == 170, "as its last line says"


def test_a_table_of_it_is_for_one_request():
    text = shown(read(PROFILE.splitlines()), requests=2, most=1)
    assert "One request: 85 instructions" in text
    assert "| ledger.Ledger._settle " in text
    assert "300" in text
    assert "scales" not in text


@pytest.mark.parametrize("text", ["", "hello", "fn=CPyDef_x\n1 2\n"])
def test_what_is_no_profile_is_said(text):
    with pytest.raises(ValueError, match="no callgrind profile"):
        read(text.splitlines())
