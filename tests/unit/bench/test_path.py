"""The budget of a request: its rows add up, and its list of functions is that of the code."""

from itertools import repeat
from types import SimpleNamespace

import pytest

from bench import bare, phased
from bench.nginx import ANSWER
from bench.path import Costs, _book, budget, shown
from bench.phases import Book
from bench.plan import BenchFailed


def costs():
    return Costs(
        figure=[100.0, 110.0, 120.0, 130.0, 400.0],
        bare=[15.0, 16.0, 17.0, 18.0, 60.0],
        writer=[10.0, 11.0, 12.0, 13.0, 40.0],
        phases={
            "loop": [40.0, 41.0, 42.0, 43.0, 90.0],
            "read": [20.0, 21.0, 22.0, 23.0, 80.0],
            "settle": [5.0, 6.0, 7.0, 8.0, 30.0],
        },
        calls={"loop": 0.0, "read": 1.0, "settle": 2.0},
    )


def test_the_rows_add_up_to_the_figure():
    rows = budget(costs())
    assert sum(best for _, best, _, _ in rows) == pytest.approx(100.0)
    assert sum(quartile for _, _, quartile, _ in rows) == pytest.approx(110.0)
    assert {name: quartile for name, _, quartile, _ in rows if name in ("read", "settle")} == {"read": 21, "settle": 6}


def test_what_no_row_explains_is_the_remainder():
    assert budget(costs())[-1] == ("remainder", 100 - 40 - 20 - 5 - 10, 110 - 41 - 21 - 6 - 11, 0.0)


def test_the_table_ends_with_the_figure_and_the_bare_proxy():
    lines = shown(costs(), "One request").splitlines()
    assert lines[0] == "One request"
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[4:]]
    assert cells[1] == ["read", "20.0 / 21.0", "19 %", "1.0"]
    assert cells[-2:] == [
        ["one request", "100.0 / 110.0", "100 %", "-"],
        ["a proxy that looks at nothing", "15.0 / 16.0", "15 %", "-"],
    ]


LOOP = "event loop: waiting, reading, tasks"
NAMES = ("outside", "probe", "read", "record")


def told(spent, starts, on_core=0, probe_ns=100):
    none = [0] * len(NAMES)
    return {
        "names": list(NAMES), "spent": spent, "starts": starts, "within": [starts, none], "around": [none, none],
        "call": [100, 0], "step": [0, 0], "shown_ns": 100, "probe_ns": probe_ns, "missing": [],
        "on_core_ns": on_core,
    }  # fmt: skip


BEGINNING = told([0, 0, 0, 0], [0, 0, 0, 0])


def test_a_window_is_what_came_between_two_tellings_for_each_request():
    found = Costs()
    _book(
        told([700, 100, 1000, 500], [0, 1, 2, 1], 5_000),
        told([999_999, 200, 45_000, 22_500], [0, 2, 42, 21], 106_100),
        found,
    )
    # 100 ns of each call are the wrapper's; the loop has of 101 µs what neither 66 µs of phases nor the probe has.
    assert found.phases == {LOOP: [1.75], "read": [2.0], "record": [1.0]}
    assert found.calls == {LOOP: 0.0, "read": 2.0, "record": 1.0}


def test_where_the_probe_costs_more_so_did_the_wrappers():
    found = Costs()
    _book(BEGINNING, told([0, 600, 5_000, 900], [0, 2, 1, 1], probe_ns=300), found)
    assert found.phases["read"] == [4.7]
    assert found.phases["record"] == [0.6]


def test_a_phase_that_never_began_has_no_row():
    found = Costs()
    _book(BEGINNING, told([0, 100, 0, 1000], [0, 1, 0, 1]), found)
    assert set(found.phases) == {LOOP, "record"}


def test_a_window_without_requests_is_no_window():
    same = told([0, 0, 0, 0], [0, 3, 3, 3])
    with pytest.raises(BenchFailed, match="record"):
        _book(same, same, Costs())


def test_every_function_of_the_list_is_there():
    assert phased.missing() == []


def test_requests_are_counted_by_a_phase_of_the_list():
    assert [phase for _, _, phase in phased.PHASES].count(phased.ONCE) == 1


def test_what_is_not_there_is_told_and_the_rest_is_wrapped(monkeypatch):
    home = SimpleNamespace(there=lambda: 7)
    monkeypatch.setattr(phased, "PHASES", (("somewhere", "there", "a"), ("somewhere", "Lost.thing", "b")))
    monkeypatch.setattr(phased.importlib, "import_module", lambda _: home)
    book = Book()
    assert phased.install(book) == ["somewhere.Lost.thing"]
    assert home.there() == 7
    assert book.reading().starts[book.account("a")] == 1


class Wire:
    """A transport as the callers see it."""

    def __init__(self):
        self.writes = []

    def write(self, data):
        self.writes.append(data)

    def abort(self):
        self.writes.append("aborted")


def a_caller():
    callers = bare.Callers(1, repeat(b"ask"), 1)
    callers.running = True
    caller = bare._Caller(callers)
    caller.connection_made(Wire())
    callers._lines.append(caller)
    return callers, caller


def test_a_caller_asks_again_when_its_answer_is_whole():
    callers, caller = a_caller()
    caller.data_received(bare._WHOLE[:100])
    assert (callers.done, caller.transport.writes) == (0, [])
    caller.data_received(bare._WHOLE[100:])
    assert (callers.done, caller.transport.writes) == (1, [b"ask"])
    callers.stop()


@pytest.mark.parametrize(
    "wrong", [b"HTTP/1.1 429 Too Many\r\n\r\n" + ANSWER.encode(), b"x" * (1 << 17)], ids=["refused", "endless"]
)
def test_another_answer_is_a_failure(wrong):
    callers, caller = a_caller()
    caller.data_received(wrong)
    with pytest.raises(BenchFailed, match="not the answers"):
        callers.stop()
    assert callers.done == 0


def test_a_connection_that_breaks_is_a_failure():
    callers, caller = a_caller()
    caller.connection_lost(None)
    with pytest.raises(BenchFailed, match="not the answers"):
        callers.stop()


def test_the_upstream_answers_when_the_request_is_whole():
    upstream = bare.Upstream()
    wire = Wire()
    upstream.connection_made(wire)
    request = bare.request_to(80, "/v1/chat/completions", "sk-1", b"{}")
    upstream.data_received(request[:-1])
    assert wire.writes == []
    upstream.data_received(request[-1:])
    assert wire.writes == [bare._WHOLE]
