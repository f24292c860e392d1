"""A server with `/tokenize` and `/detokenize` in llama.cpp's or vLLM's form, honest or not, on loopback.

    with token_server({"the": 1, "cat": 2}) as server: ... server.url, server.asked

A word is its number in the vocabulary, any other word two numbers. `twist(path, body, status, document)` is what is
answered instead: a status and a document (or bytes), or a function of the handler that does as it likes.
"""

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PIECES = [900_001, 900_002]


class TokenServer(ThreadingHTTPServer):
    """Remembers each (path, headers, body) it was asked."""

    daemon_threads = True

    def __init__(self, words, form, twist):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.words, self.form, self.twist = words, form, twist
        self.asked = []
        self.released = threading.Event()
        self.most_at_once = self.at_once = 0
        self.lock = threading.Lock()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}/v1"

    def answer(self, path, body):
        """(status, document)."""
        text, tokens = ("content", "add_special") if self.form == "llamacpp" else ("prompt", "add_special_tokens")
        if path == "/tokenize" and text in body and body.get(tokens) is False:
            found = [token for word in body[text].split() for token in self._tokens(word)]
            return 200, {"tokens": found} | ({"count": len(found)} if self.form == "vllm" else {})
        if path == "/detokenize" and "tokens" in body:
            names = {token: word for word, token in self.words.items()}
            return 200, {text: " ".join(names.get(token, "?") for token in body["tokens"])}
        if self.form == "llamacpp" and path == "/tokenize":
            return 200, {"tokens": []}
        return 400, {"error": "field required"}

    def _tokens(self, word):
        return [self.words[word]] if word in self.words else PIECES


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: TokenServer

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.server.lock:
            self.server.asked.append((self.path, dict(self.headers), body))
            self.server.at_once += 1
            self.server.most_at_once = max(self.server.most_at_once, self.server.at_once)
        try:
            answer = self.server.answer(self.path, body)
            if self.server.twist is not None:
                answer = self.server.twist(self.path, body, *answer)
            if callable(answer):
                self.close_connection = True
                answer(self)
                return
        finally:
            with self.server.lock:
                self.server.at_once -= 1
        status, document = answer
        data = document if isinstance(document, bytes) else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(data)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def token_server(words, form="llamacpp", twist=None) -> Iterator[TokenServer]:
    """A started server; stopped, with everything that hangs in it, when the block ends."""
    server = TokenServer(words, form, twist)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
