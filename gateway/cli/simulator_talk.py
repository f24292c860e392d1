"""What the simulated model says: decided by the request alone, so that every run and every test sees the same."""

import base64
import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

DEFAULT_TOKENS: Final = 40
DIMENSIONS: Final = 8
CREATED: Final = 1_735_689_600
FAULT: Final = "fault:"
_CAPS: Final = ("max_completion_tokens", "max_tokens", "max_output_tokens")
_TEXT_KEYS: Final = ("system", "instructions", "messages", "input", "prompt", "content", "text")
_WORDS: Final = tuple(
    "the still was charged at dawn and ran clear by noon while the officer read his gauge noted every gallon in".split()  # noqa: SIM905
    + "the ledger sealed each cask with wax weighed what was owed and let the honest carrier pass".split()  # noqa: SIM905
)


@dataclass(slots=True)
class Talk:
    """One answer before it has a wire format. One word is one token, in and out."""

    id: str
    model: str
    words: list[str]
    input_tokens: int
    choices: int
    capped: bool
    fault: str

    @property
    def text(self) -> str:
        return "".join(self.words)

    @property
    def output_tokens(self) -> int:
        return len(self.words) * self.choices


def talk(body: dict[str, Any]) -> Talk:
    """The answer to a request body of any dialect."""
    said = list(texts(body))
    model = str(body.get("model", ""))
    seed = hashlib.sha256("\n".join([model, *said]).encode(errors="surrogatepass")).digest()
    cap = next((body[key] for key in _CAPS if isinstance(body.get(key), int)), None)
    count = DEFAULT_TOKENS if cap is None else min(max(cap, 0), DEFAULT_TOKENS)
    picked = [_WORDS[(seed[n % 32] + 7 * n) % len(_WORDS)] for n in range(count)]
    words = [word if n == 0 else f" {word}" for n, word in enumerate(picked)]
    choices = min(max(body["n"], 1), 16) if isinstance(body.get("n"), int) else 1
    return Talk(seed.hex()[:24], model, words, count_words(said), choices, count < DEFAULT_TOKENS, _fault(model, said))


def texts(value: Any) -> Iterator[str]:
    """All text the model reads, in order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, dict):
        for key in _TEXT_KEYS:
            yield from texts(value.get(key))


def count_words(said: list[str]) -> int:
    return sum(len(text.split()) for text in said)


def _fault(model: str, said: list[str]) -> str:
    """The name behind the last `fault:` in the model's name or the text; empty without one."""
    for text in (model, *reversed(said)):
        _, found, rest = text.rpartition(FAULT)
        if found and rest.split():
            return rest.split()[0]
    return ""


def vector(text: str, encoding: str) -> list[float] | str:
    """A unit-ish vector that depends on the text alone."""
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).digest()
    numbers = [(byte - 127.5) / 127.5 for byte in digest[:DIMENSIONS]]
    packed = struct.pack(f"<{DIMENSIONS}f", *numbers)
    if encoding == "base64":
        return base64.b64encode(packed).decode()
    return list(struct.unpack(f"<{DIMENSIONS}f", packed))
