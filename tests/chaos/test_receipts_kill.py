"""kill -9: receipts that were written are there for the next process, which opens the file as if nothing had been."""

import contextlib
import json
import shutil
import signal
import sqlite3

from tests.support.rawhttp import Raw
from tests.support.rawhttp import request as http
from tests.support.receipts import settings
from tests.support.recording import recording
from tests.support.served import Served, served
from tests.support.talking import HELLO, get, policy

WANTED = policy(name="receipts", more="watermark: {scheme: none, receipts: true}\n")
BODY = json.dumps({"model": "sim-small", "messages": HELLO}).encode()


def asked(served, key):
    with Raw(served.port) as raw:
        raw.send(http("/v1/chat/completions", BODY, key=key))
        return raw.answer()


@contextlib.contextmanager
def another(folder):
    """The next process on the same files."""
    process = Served(folder)
    try:
        yield process.wait_ready()
    finally:
        if process.process.poll() is None:
            process.process.kill()
        process.exit_code()
        process.process.stderr.close()


def is_written(file, receipt_id, folder):
    """As a process finds it that opens the files as they are now: the log of a commit grows before it counts."""
    for path in file.parent.glob(f"{file.name}*"):
        shutil.copy(path, folder)
    with contextlib.closing(sqlite3.connect(folder / file.name)) as reader:
        return reader.execute("SELECT 1 FROM receipt WHERE id = ?", (receipt_id,)).fetchone() is not None


def test_a_written_receipt_survives_its_process(tmp_path):
    file = tmp_path / "provenance" / "receipts" / "test.sqlite"
    copies = tmp_path / "copies"
    copies.mkdir()
    with recording() as upstream:
        signing = settings(tmp_path)
        with served(tmp_path, upstream.url + "/v1", policies=WANTED, settings=signing) as (first, keys, _):
            answers = [asked(first, keys["acme"]) for _ in range(5)]
            written = answers[0].header("x-gateway-receipt-id")
            first.eventually(lambda: is_written(file, written, copies), "a commit")
            first.signal(signal.SIGKILL)
            assert first.exit_code() == -signal.SIGKILL
        with another(tmp_path) as second:
            found = get(second.port, f"/v1/receipts/{written}", keys["acme"])
            assert found.json()["receipt"] == answers[0].header("x-gateway-receipt")
            assert asked(second, keys["acme"]).header("x-gateway-receipt-id")
            second.signal(signal.SIGTERM)
            assert second.exit_code() == 0
