"""The model's text in the Responses API, where most of it is said several times over."""

from hashlib import blake2b
from typing import Any, Final

from gateway.core.sse import data_of
from gateway.dialects.output import MAX_LANES, Lanes, Path, Piece, leaves, parse

_NOT_TEXT: Final = frozenset(
    {
        "index", "type", "id", "item_id", "call_id", "approval_request_id", "response_id", "event_id", "container_id",
        "file_id", "status", "role", "phase", "object", "server_label", "logprobs", "encrypted_content",
        "obfuscation", "result", "partial_image_b64", "signature",
    }
)  # fmt: skip
"""Names, states, images and ciphers."""
_SOUND: Final = frozenset({"response.audio.delta", "response.output_audio.delta"})


class ResponsesReader:
    """Reads deltas, and of the events that repeat them only what no delta said."""

    __slots__ = ("_lanes", "_running", "_said")

    def __init__(self) -> None:
        self._lanes = Lanes()
        self._running: dict[Path, blake2b] = {}
        """What the deltas of each place have said so far."""
        self._said: set[bytes] = set()
        """What other events said."""

    def read(self, event: bytes) -> list[Piece] | None:
        data = data_of(event)
        if not data or data.startswith(b"[DONE]"):
            return []
        document = parse(data)
        if document is None:
            return None
        kind = document.get("type")
        if type(kind) is not str:
            return [] if "error" in document else None
        if kind in _SOUND or kind == "error":
            return []
        delta = document.get("delta")
        if type(delta) is str:
            return self._delta(_place(document, kind.removesuffix(".delta")), delta)
        if type(document.get("response")) is dict:
            # Around its output the whole answer repeats the caller's own words.
            return self._rest(kind, document["response"].get("output"))
        return self._rest(kind, document)

    def whole(self, body: bytes) -> list[Piece] | None:
        document = parse(body)
        if document is None or type(document.get("output")) is not list:
            return None
        found: list[Piece] = []
        for number, item in enumerate(document["output"]):
            pieces = self._lanes.pieces([(0, (number, *path), text) for path, text in leaves(item, _NOT_TEXT)])
            if pieces is None:
                return None
            found += pieces + self._lanes.end(0)
        return found

    def _delta(self, place: Path, text: str) -> list[Piece] | None:
        if text:
            running = self._running.get(place)
            if running is None and len(self._running) < MAX_LANES:
                running = self._running[place] = blake2b(digest_size=16)
            if running is not None:
                running.update(text.encode("utf-8", "surrogatepass"))
        return self._lanes.pieces([(0, place, text)])

    def _rest(self, kind: str, value: Any) -> list[Piece] | None:
        """Everything that is no delta: it ends parts, and may say what no delta said."""
        texts = [(0, (kind, *path), text) for path, text in leaves(value, _NOT_TEXT) if self._is_new(text)]
        pieces = self._lanes.pieces(texts)
        if pieces is not None and (texts or kind.endswith(".done")):
            pieces += self._lanes.end(0)
        return pieces

    def _is_new(self, text: str) -> bool:
        digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        if not text or digest in self._said or any(running.digest() == digest for running in self._running.values()):
            return False
        if len(self._said) < MAX_LANES:  # beyond that, what is repeated is looked at again
            self._said.add(digest)
        return True


def _place(document: dict[str, Any], stem: str) -> Path:
    places = (document.get(name) for name in ("output_index", "content_index", "summary_index"))
    return (stem, *(index for index in places if type(index) is int))
