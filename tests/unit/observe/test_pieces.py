"""A scrape in pieces: the same bytes as the whole, bounded pieces, and fewer than 2,000 series at a provider's size."""

import shutil
import subprocess

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bench.scrape import MODELS, fill
from gateway.observe.metrics import PIECE, Metrics
from gateway.server.routes import ROUTE_NAMES
from tests.support.needs import missing


def full(accounts: int = 1000) -> Metrics:
    metrics = Metrics("1.2.3", (*ROUTE_NAMES, "other"))
    fill(metrics, accounts)
    return metrics


def lines(text: bytes) -> list[bytes]:
    """The samples."""
    return [line for line in text.splitlines() if not line.startswith(b"#")]


def test_the_pieces_are_the_whole():
    metrics = full()
    pieces = list(metrics.pieces())
    assert b"".join(pieces) == metrics.render()
    assert len(pieces) > len(lines(metrics.render())) // PIECE


def test_the_pieces_are_the_whole_when_nothing_was_counted():
    metrics = Metrics("1.2.3", ["chat"])
    assert b"".join(metrics.pieces()) == metrics.render()


def test_every_piece_is_bounded():
    sizes = [len(lines(piece)) for piece in full().pieces()]
    assert max(sizes) <= PIECE
    assert sum(size == PIECE for size in sizes) >= 1, "nothing was divided: the test proves nothing"


def test_the_help_of_a_divided_family_stands_once():
    text = b"".join(full().pieces())
    heads = [line for line in text.splitlines() if line.startswith(b"# TYPE")]
    assert len(heads) == len(set(heads))


def test_a_histogram_is_consistent_however_much_is_counted_between_two_pieces():
    metrics = full()
    text = b""
    for piece in metrics.pieces():
        text += piece
        for route in ROUTE_NAMES:
            for stream in (True, False):
                metrics.request_done(
                    route, MODELS[0], "complete", stream=stream, duration_s=500.0, overhead_s=9.0, ttfb_s=500.0
                )
    checked = 0
    for family in text_string_to_metric_families(text.decode()):
        if family.type == "histogram":
            counts = {key(sample): sample.value for sample in family.samples if sample.name.endswith("_count")}
            for sample in family.samples:
                if sample.labels.get("le") == "+Inf":
                    assert counts[key(sample)] == sample.value
                    checked += 1
    assert checked > 50


def key(sample):
    return frozenset((name, value) for name, value in sample.labels.items() if name != "le")


def test_a_reload_in_the_middle_of_a_scrape_breaks_nothing():
    metrics = full()
    text = b""
    for index, piece in enumerate(metrics.pieces()):
        text += piece
        metrics.configure(["none", f"model-{index}"], ["gpu-0"], ["policy-0"], ["limit-0"], ["free"])
        metrics.request_done("chat", f"model-{index}", "complete", stream=False, duration_s=1, overhead_s=1)
    families = [family.name for family in text_string_to_metric_families(text.decode())]
    assert len(families) == len(set(families))
    assert families[-1] == "gateway_event_loop_lag_seconds"


def test_fifty_models_and_a_thousand_accounts_stay_below_two_thousand_series():
    assert len(lines(full().render())) < 2000


def test_the_busiest_accounts_add_three_series_each_and_three_for_the_others():
    metrics = full(0)
    before = len(lines(metrics.render()))
    metrics.name_top_accounts(10)
    fill(metrics, 1000)
    # key_spread and took were there as empty histograms before.
    assert len(lines(metrics.render())) - before == 33


def test_what_no_longer_fits_keeps_its_route_and_outcome():
    metrics = full()
    metrics.request_done("messages", MODELS[-1], "shutdown", stream=True, duration_s=1.0, overhead_s=0.1)
    text = metrics.render().decode()
    assert 'gateway_requests_total{model="other",outcome="shutdown",route="messages"}' in text
    assert 'gateway_requests_total{model="other",outcome="other",route="other"}' not in text
    assert 'gateway_decisions_total{action="deny",mode="audit",policy="policy-19",reason="other"}' in text


@pytest.mark.deploy
def test_promtool_finds_nothing_to_say():
    promtool = shutil.which("promtool") or missing("promtool is not installed")
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=b"".join(full().pieces()), capture_output=True, timeout=60, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, b"")
