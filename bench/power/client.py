"""The few calls to the model's server that are needed, over a connection for each call."""

import json
from http.client import HTTPConnection
from typing import Any, Final

Address = tuple[str, int]
TIMEOUT_S: Final = 600


def post(address: Address, path: str, body: dict[str, Any]) -> Any:
    """Raises RuntimeError for any answer but 200."""
    connection = HTTPConnection(*address, timeout=TIMEOUT_S)
    try:
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        raw = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise RuntimeError(f"the model server answered {answer.status} to {path}: {raw[:200]!r}")
    return json.loads(raw)


def single_tokens(address: Address, words: list[str]) -> dict[str, int]:
    """Word → token, for the words that are one token with a space before them."""
    found = {}
    for word in words:
        tokens = post(address, "/tokenize", {"content": " " + word, "add_special": False})["tokens"]
        if len(tokens) == 1:
            found[word] = tokens[0]
    return found
