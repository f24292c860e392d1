"""The model's text in the Messages API: what its content blocks hold."""

from typing import Any, Final

from gateway.core.jsonio import dumps
from gateway.core.sse import data_of
from gateway.dialects.output import Lanes, Path, Piece, leaves, parse
from gateway.dialects.usage_fields import inner

_NOT_TEXT: Final = frozenset(
    {
        "index", "type", "id", "tool_use_id", "file_id", "role", "data", "signature", "encrypted_content",
        "encrypted_index", "stop_reason", "stop_sequence", "category", "expires_at", "input",
    }
)  # fmt: skip
_JOINED: Final = frozenset({"text", "thinking"})
"""Citations cut one text into many blocks; it goes on in the next one all the same."""
_SILENT: Final = ("message_stop", "ping", "error")


class MessagesReader:
    """Reads text, thinking, tool input and whatever else a block may hold. There is one choice."""

    __slots__ = ("_lanes",)

    def __init__(self) -> None:
        self._lanes = Lanes()

    def read(self, event: bytes) -> list[Piece] | None:
        data = data_of(event)
        if not data:
            return []
        document = parse(data)
        if document is None:
            return None
        kind = document.get("type")
        if kind in _SILENT:
            return []
        if kind == "content_block_stop":
            return self._lanes.end(0)
        if kind == "message_start":
            return self._blocks(inner(document, "message", "content"))
        index = document.get("index")
        block = index if type(index) is int else 0
        if kind == "content_block_start":
            return self._lanes.pieces(_texts(document.get("content_block"), block))
        if kind == "message_delta":
            return self._lanes.pieces(_texts(document.get("delta"), block))
        return self._lanes.pieces(_texts(document.get("delta", document), block))

    def whole(self, body: bytes) -> list[Piece] | None:
        document = parse(body)
        if document is None or "content" not in document:
            return None
        return self._blocks(document["content"])

    def _blocks(self, content: Any) -> list[Piece] | None:
        """Blocks in one piece, each ending its part."""
        if content is None:
            return []
        if type(content) is not list:
            return None
        found: list[Piece] = []
        for block, value in enumerate(content):
            pieces = self._lanes.pieces(_texts(value, block))
            if pieces is None:
                return None
            found += pieces + self._lanes.end(0)
        return found


def _texts(value: Any, block: int) -> list[tuple[int, Path, str]]:
    """Text and thinking run on from block to block; everything else belongs to its block alone."""
    found: list[tuple[int, Path, str]] = []
    for path, text in leaves(value, _NOT_TEXT):
        joined = len(path) == 1 and path[0] in _JOINED
        found.append((0, path if joined else (block, *path), text))
    given = value.get("input") if type(value) is dict else None
    if given:
        # As the stream writes it, piece by piece.
        found.append((0, (block, "partial_json"), dumps(given).decode("utf-8", "surrogatepass")))
    return found
