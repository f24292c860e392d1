"""What Prometheus scrapes from a gateway under load: well-formed, whole, small, and harmless to streams beside it."""

import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.mixed_traffic import Mixture, scrape, two_gateways
from tests.support.prometheus import need_prometheus
from tests.support.rawhttp import CHAT, Raw, chat_body, request

pytestmark = [pytest.mark.deploy, pytest.mark.timeout(120)]

MOST_SERIES = 2000


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    """A gateway that has seen one of everything, and still does."""
    need_prometheus()
    with two_gateways(tmp_path_factory.mktemp("busy")) as gateways, Mixture(gateways) as mixture:
        mixture.wait_rounds(3)
        yield gateways[0]
    assert mixture.failure is None


def test_a_scrape_is_well_formed_and_small(busy):
    text = scrape(busy)
    command = ["promtool", "check", "metrics"]
    checked = subprocess.run(command, input=text, capture_output=True, timeout=30, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
    series = [line for line in text.splitlines() if line and not line.startswith(b"#")]
    assert len(series) == len({line.rpartition(b" ")[0] for line in series})
    assert 300 < len(series) < MOST_SERIES
    heads = [line for line in text.splitlines() if line.startswith(b"# TYPE")]
    assert len(heads) == len(set(heads))


def test_histograms_agree_with_themselves_in_every_scrape(busy):
    """A scrape is made in pieces while requests go on: no histogram may be torn between two of them."""
    for _ in range(10):
        buckets, counts = {}, {}
        for family in text_string_to_metric_families(scrape(busy).decode()):
            for sample in family.samples if family.type == "histogram" else ():
                key = (family.name, *sorted((k, v) for k, v in sample.labels.items() if k != "le"))
                if sample.name.endswith("_bucket"):
                    buckets.setdefault(key, []).append(sample.value)
                elif sample.name.endswith("_count"):
                    counts[key] = sample.value
        assert len(counts) > 20
        assert {key: found[-1] for key, found in buckets.items()} == counts
        assert all(found == sorted(found) for found in buckets.values())


def test_scrapes_do_not_disturb_a_stream(busy):
    """The scrape is rendered on the loop that relays: bytes may wait for it, and must not be lost or change places."""
    body = chat_body("the same words every time", stream=True)

    def stream():
        with Raw(busy.gateway.data_port) as raw:
            raw.send(request(CHAT, body, key=busy.keys["globex"]))
            return raw.answer().body

    quiet = stream()
    done = threading.Event()

    def scrapes(_):
        count = 0
        while not done.is_set():
            scrape(busy)
            count += 1
        return count

    with ThreadPoolExecutor(3) as pool:
        scraping = [pool.submit(scrapes, n) for n in range(2)]
        try:
            streams = [pool.submit(stream).result() for _ in range(3)]
        finally:
            done.set()
        assert sum(one.result() for one in scraping) > 3
    assert streams == [quiet] * 3
    assert quiet.endswith(b"data: [DONE]\n\n")
