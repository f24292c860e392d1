"""The model's text in chat and text completions: everything a choice holds that is not about the text."""

from typing import Any, Final

from gateway.core.sse import data_of
from gateway.dialects.output import Lanes, Path, Piece, leaves, parse

_NOT_TEXT: Final = frozenset(
    {
        "index", "role", "id", "type", "finish_reason", "native_finish_reason", "stop_reason", "logprobs",
        "content_filter_results", "data", "format", "signature", "encrypted_content",
    }
)  # fmt: skip
"""Names, states, sounds and ciphers. Log probabilities repeat the tokens of the same event."""
_AROUND: Final = frozenset(
    {
        "id", "object", "created", "model", "system_fingerprint", "service_tier", "usage", "error", "type", "timings",
        "provider", "obfuscation", "prompt_filter_results",
    }
)  # fmt: skip
"""What a document without choices may hold: a usage chunk, a heartbeat, an error."""


class ChoicesReader:
    """Reads `choices`, whatever they hold: content, reasoning, refusals, arguments, transcripts."""

    __slots__ = ("_lanes",)

    def __init__(self) -> None:
        self._lanes = Lanes()

    def read(self, event: bytes) -> list[Piece] | None:
        data = data_of(event)
        if not data or data.startswith(b"[DONE]"):
            return []
        return self.whole(data)

    def whole(self, body: bytes) -> list[Piece] | None:
        document = parse(body)
        if document is None:
            return None
        choices = document.get("choices")
        if choices is None:
            return [] if document.keys() <= _AROUND | {"choices"} else None
        if type(choices) is not list or any(type(choice) is not dict for choice in choices):
            return None
        texts: list[tuple[int, Path, str]] = []
        over: list[int] = []
        for position, choice in enumerate(choices):
            number = _number(choice, position)
            texts += [(number, _place(path), text) for path, text in leaves(choice, _NOT_TEXT)]
            if choice.get("finish_reason") is not None:
                over.append(number)
        pieces = self._lanes.pieces(texts)
        if pieces is not None:
            for number in over:
                pieces += self._lanes.end(number)
        return pieces


def _number(choice: dict[str, Any], position: int) -> int:
    index = choice.get("index")
    return index if type(index) is int else position


def _place(path: Path) -> Path:
    """The same in a stream and in a whole answer."""
    return path[1:] if path[:1] in (("delta",), ("message",)) else path
