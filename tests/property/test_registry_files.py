"""Any bytes as a log or a segment: a sentence or a result, never a crash, and never an answer that was not written."""

from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.registry.compact import compact
from gateway.registry.records import LOG_MAGIC, Document, Scan, document_of, framed
from gateway.registry.segment import MAGIC, Segment
from gateway.registry.shelf import RegistryUnavailable, Shelf
from tests.support.needs import needs_numpy
from tests.support.registries import answer, kept, prose

needs_numpy()

names = st.text(max_size=20).map(lambda text: text.encode("utf-8", "replace").decode())
documents = st.builds(
    Document, names, names, names, names, st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1)
)  # fmt: skip
prints = st.integers(0, 40).map(lambda count: Random(count).randbytes(5 * count))


@given(st.lists(st.tuples(documents, prints), max_size=6), st.binary(max_size=60))
def test_records_come_back_whatever_follows_them(records, rest):
    data = LOG_MAGIC + b"".join(framed(document, one) for document, one in records)
    found = [(document_of(record.head), record.fingerprints) for record in Scan(data + rest)]
    assert found[: len(records)] == records
    assert len(found) == len(records), "what follows has a CRC-32 that is right only by chance"


@given(st.lists(st.tuples(documents, prints), min_size=1, max_size=4), st.data())
def test_a_changed_byte_never_makes_another_answer(records, data):
    whole = LOG_MAGIC + b"".join(framed(document, one) for document, one in records)
    at = data.draw(st.integers(len(LOG_MAGIC), len(whole) - 1))
    bit = data.draw(st.integers(0, 7))
    changed = whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :]
    found = [(document_of(record.head), record.fingerprints) for record in Scan(changed)]
    assert found == records[: len(found)]
    assert len(found) < len(records)


@given(st.binary(max_size=300))
def test_any_bytes_are_a_log_or_are_refused(data):
    try:
        scan = Scan(data)
    except ValueError:
        assert not data.startswith(LOG_MAGIC)
        return
    for record in scan:
        document_of(record.head)
    assert scan.end <= max(len(data), len(LOG_MAGIC))


@pytest.fixture(scope="module")
def segment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("registry") / "i" / "e"
    kept(folder, ((answer(number), " ".join(prose(Random(number), 60))) for number in range(8)))
    (done,) = compact(Shelf(folder))
    return Shelf(folder).path(done.stem, "seg")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_bytes_are_a_segment_or_are_refused(segment, data):
    whole = segment.read_bytes()
    how = data.draw(st.sampled_from(["cut", "flip", "random"]))
    if how == "cut":
        changed = whole[: data.draw(st.integers(0, len(whole) - 1))]
    elif how == "flip":
        at = data.draw(st.integers(0, len(whole) - 1))
        changed = whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
    else:
        changed = data.draw(st.sampled_from([b"", MAGIC])) + data.draw(st.binary(max_size=200))
    path = segment.with_name("changed")
    path.write_bytes(changed)
    try:
        with Segment(path) as opened:
            wanted = [whole[at : at + 5] for at in range(1100, 1400, 7)]
            for posting in opened.find([*wanted, b"\0" * 5, b"\xff" * 5]):
                opened.document(posting.document)
            opened.check()
    except RegistryUnavailable:
        return
    pytest.fail("a changed byte was not noticed")
