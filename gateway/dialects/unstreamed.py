"""The meter of dialects that never stream: should an upstream do so anyway, the bytes pass and nothing is known."""

from gateway.core.usage import Usage


class Unstreamed:
    """Passes bytes on."""

    __slots__ = ("delta_events", "error", "failed", "finished", "text_bytes", "usage")

    usage: Usage | None

    def __init__(self) -> None:
        self.usage = None
        self.delta_events = 0
        self.text_bytes = 0
        self.finished = False
        self.failed = False
        self.error = b""

    def feed(self, chunk: bytes) -> bytes:
        return chunk

    def flush(self) -> bytes:
        self.finished = True
        return b""

    def end_for_budget(self) -> bytes:
        return b""
