"""What an upstream's settings allow an exchange: seconds and bytes, read once, since every exchange asks."""

from gateway.upstreams.settings import UpstreamSettings


class Bounds:
    """See `UpstreamSettings` for each."""

    __slots__ = (
        "between_bytes_s", "connect_s", "first_byte_s", "max_response_bytes", "max_stream_bytes", "total_s",
    )  # fmt: skip

    def __init__(self, settings: UpstreamSettings) -> None:
        timeouts = settings.timeouts
        self.connect_s: float = timeouts.connect_s
        self.first_byte_s: float = timeouts.first_byte_s
        self.between_bytes_s: float = timeouts.between_bytes_s
        self.total_s: float = timeouts.total_s
        self.max_response_bytes: int = settings.max_response_bytes
        self.max_stream_bytes: int = settings.max_stream_bytes
