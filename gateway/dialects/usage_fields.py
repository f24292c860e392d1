"""Usage objects of the three APIs, normalised. Absent, null and zero differ: only numbers are reports."""

from typing import Any, Final, NamedTuple

from gateway.core.jsonio import JsonError, loads
from gateway.core.usage import Usage


class _Names(NamedTuple):
    """What an API calls its counts."""

    read: str
    written: str
    read_details: str
    written_details: str


_OPENAI: Final = _Names("prompt_tokens", "completion_tokens", "prompt_tokens_details", "completion_tokens_details")
_RESPONSES: Final = _Names("input_tokens", "output_tokens", "input_tokens_details", "output_tokens_details")


def parse_object(data: bytes) -> dict[str, Any] | None:
    """The JSON object in a body or an event, None when it is none: an upstream's mistake is no fault of ours."""
    try:
        document = loads(data)
    except JsonError:
        return None
    return document if type(document) is dict else None


def count(value: Any) -> int | None:
    """A token count: an integer that is not negative."""
    return value if type(value) is int and value >= 0 else None


def inner(document: Any, *path: str) -> Any:
    """The value at a path of object keys, None where the path breaks off."""
    for key in path:
        if type(document) is not dict:
            return None
        document = document.get(key)
    return document


def openai_usage(usage: Any) -> Usage | None:
    """Chat, completions and embeddings: prompt_tokens and completion_tokens."""
    return _totals(usage, _OPENAI)


def responses_usage(usage: Any) -> Usage | None:
    """Responses: input_tokens and output_tokens, cached parts included."""
    return _totals(usage, _RESPONSES)


def _totals(usage: Any, names: _Names) -> Usage | None:
    if type(usage) is not dict:
        return None
    of_read, of_written, read_details, written_details = names
    get = usage.get
    read, written = get(of_read), get(of_written)
    if type(read) is int and type(written) is int and read >= 0 and written >= 0:  # nearly every report
        told = Usage(read, written)
    else:
        read, written = count(read), count(written)
        if read is None and written is None:
            return None
        if written is None:
            total = count(get("total_tokens"))
            written = max(0, total - (read or 0)) if total is not None else None
        told = Usage(read or 0, written or 0, estimated=read is None or written is None)
    details = get(read_details)
    if type(details) is dict:
        hit, stored = details.get("cached_tokens"), details.get("cache_write_tokens")
        if hit or stored:
            told.cache_read_tokens, told.cache_write_tokens = count(hit) or 0, count(stored) or 0
    details = get(written_details)
    if type(details) is dict:
        thought = details.get("reasoning_tokens")
        if thought:
            told.reasoning_tokens = count(thought) or 0
    return told


class AnthropicCounts:
    """Anthropic's usage, merged per field: message_start brings the input, message_delta the cumulative output."""

    __slots__ = ("_seen", "final")

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}
        self.final = False
        """Whether the output count is the final one."""

    def merge(self, usage: Any) -> None:
        if type(usage) is not dict:
            return
        for name in ("input_tokens", "output_tokens", "cache_creation_input_tokens", "cache_read_input_tokens"):
            value = count(usage.get(name))
            if value is not None:
                self._seen[name] = value
        thinking = count(inner(usage, "output_tokens_details", "thinking_tokens"))
        if thinking is not None:
            self._seen["thinking"] = thinking

    def usage(self) -> Usage | None:
        seen = self._seen
        if not seen:
            return None
        written = seen.get("cache_creation_input_tokens", 0)
        read = seen.get("cache_read_input_tokens", 0)
        return Usage(
            input_tokens=seen.get("input_tokens", 0) + written + read,
            output_tokens=seen.get("output_tokens", 0),
            cache_read_tokens=read,
            cache_write_tokens=written,
            reasoning_tokens=seen.get("thinking", 0),
            estimated=not self.final or "output_tokens" not in seen or "input_tokens" not in seen,
        )
