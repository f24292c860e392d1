"""What `gateway demo` prints can be pasted, in front of the simulation and of a server with a single model."""

import http.server
import json
import re
import subprocess
import sys
import threading

import pytest

from tests.support.markdown import ROOT
from tests.support.readme import Child

ANSWER = {"id": "1", "object": "chat.completion", "model": "llama", "created": 1, "choices": [], "usage": None}


class OneModel(http.server.BaseHTTPRequestHandler):
    """As little of a model server as the demo needs."""

    def do_GET(self):
        self.answer({"data": [{"id": "llama"}]})

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if asked.get("stream"):
            self.send_body(b'data: {"choices":[]}\n\ndata: [DONE]\n\n', "text/event-stream")
        else:
            self.answer(ANSWER)

    def answer(self, document):
        self.send_body(json.dumps(document).encode(), "application/json")

    def send_body(self, body, media_type):
        self.send_response(200)
        self.send_header("content-type", media_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def one_model():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), OneModel) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield ["--upstream", f"http://127.0.0.1:{server.server_port}/v1"]
        server.shutdown()
        thread.join(10)


@pytest.fixture
def simulation():
    return []


@pytest.mark.parametrize(
    ("which", "broken"), [("simulation", "access.models"), ("one_model", "access.max_n")], ids=lambda value: value
)
def test_the_printed_calls_answer_stream_and_are_refused(request, which, broken):
    flags = ["--port", "0", "--ops-port", "0", "--admin-port", "0", *request.getfixturevalue(which)]
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"}
    demo = Child([sys.executable, "-m", "gateway", "demo", *flags], "Ctrl-C stops it", environment, ROOT)
    try:
        demo.wait()
        calls = re.findall(r"^curl (?:.*\\\n)*.*$", demo.said, re.MULTILINE)
        said = [
            subprocess.run(["bash", "-c", call], capture_output=True, text=True, timeout=30, check=True).stdout
            for call in calls
        ]
    finally:
        assert demo.stop() == 0
    answer, stream, refusal, decisions = said
    assert json.loads(answer)["object"] == "chat.completion"
    assert stream.rstrip().endswith("data: [DONE]")
    assert refusal.startswith("HTTP/1.1 403")
    assert json.loads(refusal.splitlines()[-1])["error"]["metadata"]["rule"] == broken
    newest = json.loads(decisions)["decisions"]
    assert [record["status"] for record in newest] == [403, 200, 200]
    assert newest[0]["limit"] == broken


def test_a_server_that_is_not_there_is_named():
    flags = ["--port", "0", "--ops-port", "0", "--admin-port", "0", "--upstream", "http://127.0.0.1:9"]
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "demo", *flags], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 1
    assert "GET http://127.0.0.1:9/v1/models failed" in done.stderr
    assert "Traceback" not in done.stderr
