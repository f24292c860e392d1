"""Streams of the Responses API: typed events, usage in the last one."""

from typing import Any, Final

from gateway.core.jsonio import dumps
from gateway.core.sse import data_of
from gateway.dialects.meter import Meter
from gateway.dialects.scan import markers
from gateway.dialects.usage_fields import inner, parse_object, responses_usage

_STYLES: Final = markers("delta")
_WORTH_PARSING: Final = (
    b"response.created", b"response.completed", b"response.incomplete", b"response.failed", b'"error"', b"event: error",
)  # fmt: skip


class ResponsesMeter(Meter):
    """Deltas are counted by their bytes, everything else is parsed only when it may begin, end or fail the answer."""

    __slots__ = ("_created", "_latest")

    def __init__(self) -> None:
        super().__init__(_STYLES)
        self._created: dict[str, Any] = {}
        self._latest = b""

    def end_for_budget(self) -> bytes:
        if self.finished or self.failed:
            return b""
        latest = parse_object(data_of(self._latest)) or {}
        sequence = latest.get("sequence_number")
        response = {"object": "response", "output": [], **self._created}
        response["status"] = "incomplete"
        response["incomplete_details"] = {"reason": "max_output_tokens"}
        event = {
            "type": "response.incomplete",
            "response": response,
            "sequence_number": sequence + 1 if type(sequence) is int else 0,
        }
        return b"event: response.incomplete\ndata: " + dumps(event) + b"\n\n"

    def _see(self, event: bytes) -> bytes:
        if event.startswith(b"event: response.audio.delta"):
            return event  # base64 sound, no text
        if self._count(event) or self._counted_otherwise(event):
            self._latest = event
        elif b"data" in event:
            self._latest = event
            if any(word in event for word in _WORTH_PARSING):
                self._note(parse_object(data_of(event)))
        return event

    def _note(self, document: dict[str, Any] | None) -> None:
        if document is None:
            return
        kind = document.get("type")
        response = document.get("response")
        if kind == "response.created" and type(response) is dict:
            self._created = response
        elif kind in ("response.completed", "response.incomplete", "response.failed"):
            usage = responses_usage(inner(response, "usage"))
            if usage is not None:
                self.usage = usage
            if kind == "response.failed":
                self.failed = True
            else:
                self.finished = True
        elif kind == "error" or (kind is None and document.get("error")):
            self.failed = True
