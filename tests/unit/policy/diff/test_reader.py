"""Decision logs as they lie about: torn, rotated, compressed, of several replicas, with other lines in between."""

import gzip
import json

import pytest

from gateway.policy.diff import reader
from gateway.policy.diff.reader import Unreadable, read_logs, total_bytes
from gateway.policy.diff.recorded import NotARecord, read_record
from tests.support.decision_logs import decision, mixed, recorded, refused, write_log


def lines_of(*paths):
    return list(read_logs(paths))


def test_what_the_gateway_writes_is_what_a_replay_reads():
    made = recorded(decision(7, at_s=2.5, facts={"tags": ("a",), "temperature": 0.5}))
    assert (made.id, made.account, made.model, made.duration_ms) == ("req-00000007", "acme", "m1", 1000)
    assert made.time_ms == 1_772_452_802_500
    assert made.facts["temperature"] == 0.5
    assert made.usage == {"input_tokens": 10, "output_tokens": 20, "reasoning_tokens": 0}
    assert refused(1).usage is None
    for record in mixed(300):
        recorded(record)


def test_a_fact_that_may_be_null_may_be_absent():
    """As in a record of an older gateway, or one that somebody's pipeline stripped of nulls."""
    document = json.loads(decision(1).as_line())
    nulls = [name for name, value in document["facts"].items() if value is None]
    assert nulls
    document["facts"] = {name: value for name, value in document["facts"].items() if value is not None}
    assert read_record(json.dumps(document).encode()) == recorded(decision(1))


def test_lines_in_the_order_of_the_file(tmp_path):
    path = write_log(tmp_path / "log", [decision(number, at_s=5 - number) for number in range(3)])
    assert [line.id for line in lines_of(path)] == ["req-00000000", "req-00000001", "req-00000002"]


def test_several_files_are_one_log_in_the_order_of_time(tmp_path):
    one = write_log(tmp_path / "one", [decision(number, at_s=number) for number in (0, 2, 4)])
    two = write_log(tmp_path / "two", [decision(number, at_s=number) for number in (1, 3, 5)])
    assert [line.time_ms for line in lines_of(two, one)] == sorted(line.time_ms for line in lines_of(two, one))
    assert len(lines_of(one, two)) == 6


def test_a_late_line_waits_for_nobody(tmp_path):
    one = write_log(tmp_path / "one", [decision(1, at_s=5), decision(2, at_s=1), decision(3, at_s=9)])
    two = write_log(tmp_path / "two", [decision(4, at_s=6)])
    assert [line.id[-1] for line in lines_of(one, two)] == ["1", "2", "4", "3"]


def test_compressed_logs(tmp_path):
    path = tmp_path / "log.1.gz"
    path.write_bytes(gzip.compress(b"".join(decision(number).as_line() for number in range(50))))
    seen = []
    assert len(list(read_logs([path], seen.append))) == 50
    assert sum(seen) == total_bytes([path])


def test_a_compressed_log_that_is_cut_off(tmp_path):
    path = tmp_path / "log.gz"
    path.write_bytes(gzip.compress(b"".join(decision(number).as_line() for number in range(50)))[:-30])
    assert isinstance(lines_of(path)[-1], Unreadable)


def test_lines_that_are_none_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "MAX_LINE", 4096)
    good = decision(1).as_line()
    path = tmp_path / "log"
    path.write_bytes(good + b"\n  \nplain text\n" + b"x" * 10_000 + b"\n" + good[:200] + b"\n" + good[:300])
    read = lines_of(path)
    assert [line.line for line in read if isinstance(line, Unreadable)] == [4, 5, 6, 7]
    assert {line.source for line in read if isinstance(line, Unreadable)} == {str(path)}
    assert [line.why for line in read if isinstance(line, Unreadable)] == [
        "not JSON", "longer than 4 KiB, or broken off", "not JSON", "not JSON",
    ]  # fmt: skip
    assert "plain" not in str(read)


def test_progress_is_told_in_bytes(tmp_path):
    path = write_log(tmp_path / "log", mixed(200))
    seen = []
    list(read_logs([path], seen.append))
    assert sum(seen) == path.stat().st_size
    assert max(seen) < path.stat().st_size


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"schema": 2}, "schema 1 expected"),
        ({"schema": None}, "schema 1 expected"),
        ({"time": "yesterday"}, "time is no time"),
        ({"time": "2026-03-02T12:00:00"}, "time is no time"),
        ({"time": 5}, "time is no time"),
        ({"account": 5}, "account is missing"),
        ({"stream": "no"}, "stream is missing"),
        ({"duration_s": -1}, "no duration"),
        ({"duration_s": True}, "no duration"),
        ({"reserved_input_tokens": -5}, "no count"),
        ({"cost_nano_usd": 1 << 60}, "no count"),
        ({"limits": {}}, "limits is missing"),
        ({"limits": [5]}, "limits is of another type"),
        ({"limits": [{"policy": "p"}]}, "limit is missing"),
        ({"conditions": [{"rule": "r", "revision": "x", "holds": "yes"}]}, "holds is of another type"),
        ({"facts": {}}, "facts are missing"),
        ({"facts": 5}, "facts are missing"),
        ({"usage": 5}, "usage is of another type"),
        ({"usage": {"input_tokens": 5}}, "output_tokens is missing"),
    ],
)
def test_what_is_wrong_with_a_line_is_said_without_quoting_it(change, why):
    given = json.loads(decision().as_line())
    with pytest.raises(NotARecord, match=why):
        read_record(json.dumps({**given, **change}).encode())


@pytest.mark.parametrize("name", ["n", "verified", "tags", "standing", "max_output"])
def test_a_fact_of_another_type_is_no_fact(name):
    given = json.loads(decision().as_line())
    given["facts"][name] = {"odd": 1}
    with pytest.raises(NotARecord, match="facts are"):
        read_record(json.dumps(given).encode())
    given["facts"]["tags"] = [1]
    given["facts"][name] = [1]
    with pytest.raises(NotARecord, match="facts"):
        read_record(json.dumps(given).encode())


def test_a_record_of_before_there_were_facts():
    given = json.loads(decision().as_line())
    for name in ("facts", "conditions", "output", "reduced", "delay_s", "tags", "clause"):
        del given[name]
    made = read_record(json.dumps(given).encode())
    assert (made.facts, made.conditions) == (None, {})
