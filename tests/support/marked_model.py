"""A model server that heeds `logit_bias`: it writes words of a pair table, each pair's two words by their biases.

    with marked_model(table) as model: ... model.url, model.bodies

`fault` is one of FAULTS: what a server may do to a mark without saying so.
"""

import contextlib
import json
import math
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random

from gateway.watermarks.pairs import Pair, PairTable

FAULTS = ("", "ignores", "rejects", "rejects_all", "other_tokens", "swapped", "too_large")
WORDS = 300


def table_of(pairs: int = 200, model: str = "toy") -> PairTable:
    """Words of letters, all equally frequent."""
    names = [_name(at) for at in range(2 * pairs)]
    rate = 1e6 / (2 * pairs)
    return PairTable(
        model, tuple(Pair(names[2 * i], names[2 * i + 1], 7 + 2 * i, 8 + 2 * i, rate, rate) for i in range(pairs))
    )


def _name(number: int) -> str:
    letters = "bcdfghjklmnpqrstvwxz"
    return letters[number // 400 % 20] + "a" + letters[number // 20 % 20] + "o" + letters[number % 20]


class MarkedModel(ThreadingHTTPServer):
    """Remembers each (path, raw body)."""

    daemon_threads = True

    def __init__(self, table: PairTable, fault: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.table, self.fault = table, fault
        self.bodies: list[tuple[str, bytes]] = []
        self.rng = Random(1)
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def texts(self) -> list[dict]:
        """The bodies as documents, without those of the self-test."""
        found = [json.loads(body) for _, body in self.bodies]
        return [body for body in found if body.get("max_tokens") != 4]

    def biases(self, body: dict) -> dict[int, float]:
        if self.fault == "ignores":
            return {}
        bias = {int(key): value for key, value in (body.get("logit_bias") or {}).items()}
        shift = {"other_tokens": 2 * 50, "swapped": 0}.get(self.fault, 0)
        bias = {token + shift: value for token, value in bias.items()}
        if self.fault == "swapped":  # as with a table whose pairs are written the other way round
            bias = {token + 1 if token % 2 else token - 1: value for token, value in bias.items()}
        return bias

    def write(self, body: dict) -> str:
        bias, words = self.biases(body), body.get("max_tokens") or WORDS
        forced = [token for token, value in bias.items() if value >= 50]
        named = {p.first_token: p.first for p in self.table.pairs} | {
            p.second_token: p.second for p in self.table.pairs
        }
        if forced:
            return " ".join([named.get(forced[0], "none")] * words)
        out = []
        for _ in range(words):
            pair = self.rng.choice(self.table.pairs)
            lead = bias.get(pair.first_token, 0) - bias.get(pair.second_token, 0)
            out.append(pair.first if self.rng.random() < 1 / (1 + math.exp(-lead)) else pair.second)
        return " ".join(out)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: MarkedModel

    def do_POST(self):
        raw = self.rfile.read(int(self.headers["content-length"]))
        with self.server.lock:
            self.server.bodies.append((self.path, raw))
            body = json.loads(raw)
            fault = self.server.fault
            if fault == "rejects_all" or (fault == "rejects" and "logit_bias" in body):
                return self._send(400, {"error": {"message": "logit_bias is not supported with this model"}})
            if fault == "too_large" and "logit_bias" in body:
                named = ", ".join([*body["logit_bias"]][:5])
                return self._send(413, {"error": {"message": f"too large: favoured {named}"}})
            text = self.server.write(body)
        usage = {"prompt_tokens": 3, "completion_tokens": 9, "total_tokens": 12}
        if body.get("stream"):
            return self._stream(text, usage)
        chat = "messages" in body
        choice = {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
        kind = "chat.completion" if chat else "text_completion"
        return self._send(
            200,
            {"id": "x", "object": kind, "created": 1, "model": "toy",
             "choices": [{"index": 0, "finish_reason": "stop", **choice}], "usage": usage},
        )  # fmt: skip

    def _stream(self, text, usage):
        events = [{"index": 0, "delta": {"content": word + " "}, "finish_reason": None} for word in text.split()]
        events.append({"index": 0, "delta": {}, "finish_reason": "stop"})
        shell = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "toy"}
        parts = [json.dumps({**shell, "choices": [event]}) for event in events]
        parts.append(json.dumps({**shell, "choices": [], "usage": usage}))
        data = b"".join(f"data: {part}\n\n".encode() for part in [*parts, "[DONE]"])
        self._raw(200, "text/event-stream", data)

    def _send(self, status, document):
        self._raw(status, "application/json", json.dumps(document).encode())

    def _raw(self, status, kind, data):
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(data)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def marked_model(table: PairTable, fault: str = "") -> Iterator[MarkedModel]:
    """A started server, stopped when the block ends."""
    assert fault in FAULTS
    server = MarkedModel(table, fault)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
