"""A hundred thousand keys: imported in bounded memory, found again, and none of them in the way of the others."""

import http.client
import json
from pathlib import Path

import pytest

from bench.measure import pss_kib
from gateway.cli.demo import new_key, write_key_entry
from gateway.identity.keys import Pepper, parse
from tests.support.served import served

KEYS = 100_000
BATCH = 5_000
GROWTH_KIB = 96 << 10
"""What the process may grow by: the keys alone would be a hundred megabytes, were they kept."""


def call(port, method, path, token, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    connection.request(method, path, json.dumps(body), headers)
    answer = connection.getresponse()
    try:
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


@pytest.mark.slow
def test_a_hundred_thousand_keys_are_imported_in_bounded_memory(tmp_path: Path):
    settings = {"store": "sqlite:usage.sqlite", "accounts": {"cached_keys": 1000}}
    with served(tmp_path, "http://127.0.0.1:9/v1", settings=settings) as (process, _, token):
        pepper = Pepper("test", (tmp_path / "pepper").read_bytes())
        last, before = "", 0
        for number in range(KEYS // BATCH):
            filler = {f"{number:04}{at:08}": {"account": f"a{at % 100}", "hash": "0" * 64, "pepper": "test"}
                      for at in range(BATCH - 1)}  # fmt: skip
            last = new_key()
            filler.update([write_key_entry("a0", last, pepper)])
            document = {"accounts": {f"a{at}": {"tier": "free"} for at in range(100)}, "keys": filler}
            status, answer = call(process.admin_port, "POST", "/admin/v1/import", token, document)
            assert (status, answer["keys"]) == (200, BATCH)
            before = before or pss_kib(process.process.pid)
        assert pss_kib(process.process.pid) - before < GROWTH_KIB
        status, shown = call(process.port, "GET", "/v1/models", last)
        assert (status, bool(shown["data"])) == (200, True)
        assert call(process.admin_port, "POST", f"/admin/v1/keys/{parse(last).id}/revoke", token, {})[0] == 200
        assert call(process.port, "GET", "/v1/models", last)[0] == 401
