"""The YAML door under random input: never a crash, and out-and-in is the identity."""

import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import yamlio
from gateway.yamlio import Problem, YamlProblems

VECTORS = Path(__file__).parents[3] / "shared" / "data" / "vectors" / "yaml.tar.gz"

texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
scalars = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
words = st.sampled_from(["no", "yes", "~", "1e5", "007", "1:30", ".5", "-", "+1", "null", "<<", "=", "1_0", "0x1"])
values = st.recursive(
    scalars | texts | words,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts | words, inner, max_size=4),
    max_leaves=12,
)


@given(values)
@settings(max_examples=300, deadline=None)
def test_dump_then_load_is_the_identity(value: object):
    assert yamlio.load(yamlio.dump(value), "f").value == value


@given(st.text(st.sampled_from("ab:-[]{}&*!|>'\"%#,?<\n\t 01~@`\x00\x85\ufeff\ud800é"), max_size=60))
@settings(max_examples=500, deadline=None)
def test_any_text_is_read_or_refused_with_a_place(text: str):
    for problem in _refused(text) or ():
        assert problem.line >= 1
        assert problem.column >= 1
        assert problem.message


@pytest.mark.skipif(not VECTORS.exists(), reason="the YAML test suite is not beside this checkout")
def test_the_public_suite_never_crashes_the_door():
    read = refused = 0
    with tarfile.open(VECTORS) as archive:
        for member in archive:
            if not member.isfile():
                continue
            file = archive.extractfile(member)
            assert file is not None
            text = file.read().decode()
            for candidate in (text, *_embedded(text)):
                problems = _refused(candidate)
                read += problems is None
                refused += bool(problems)
    assert read > 200
    assert refused > 100


def _refused(text: str) -> tuple[Problem, ...] | None:
    try:
        yamlio.load(text, "f")
    except YamlProblems as caught:
        return caught.problems
    return None


def _embedded(text: str) -> list[str]:
    """The documents that a suite file describes, with its stand-ins for white space put back."""
    try:
        cases = yamlio.load(text, "suite").value
    except YamlProblems:
        return []
    marks = {"␣": " ", "»": "\t", "—": "", "←": "\r", "⇔": "\ufeff", "↵": "", "∎": ""}
    found = [case["yaml"] for case in cases if isinstance(case, dict) and isinstance(case.get("yaml"), str)]
    for mark, meant in marks.items():
        found = [case.replace(mark, meant) for case in found]
    return found
