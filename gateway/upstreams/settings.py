"""What the operator says about one upstream, already validated: plain data, no parsing, no I/O."""

from dataclasses import dataclass, field
from typing import Final, Literal

Kind = Literal["openai", "azure", "vllm", "llamacpp", "generic"]
Auth = Literal["bearer", "x-api-key", "api-key"]
OnClientAbort = Literal["cancel", "drain"]
Client = Literal["pool", "aiohttp"]

KINDS: Final[tuple[Kind, ...]] = ("openai", "azure", "vllm", "llamacpp", "generic")
DIALECTS: Final = frozenset({"chat", "completions", "embeddings", "responses", "messages", "count_tokens"})
ANTHROPIC_DIALECTS: Final = frozenset({"messages", "count_tokens"})

_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. `first_byte_s` runs from the sent request to the response head; reasoning models need more."""

    connect_s: float = 5.0
    first_byte_s: float = 120.0
    between_bytes_s: float = 120.0
    total_s: float = 3600.0


@dataclass(frozen=True, slots=True)
class UpstreamSettings:
    """One named upstream.

    `base_url` may end with /v1 or not: our paths start with /v1. `auth` None means the dialect's own habit
    (x-api-key for messages and count_tokens, bearer elsewhere). `stream_usage` declares that the upstream knows
    `stream_options.include_usage`; `pass_unknown` lets request fields through that no table lists.
    """

    name: str
    kind: Kind
    base_url: str
    dialects: frozenset[str]
    api_key: str = field(default="", repr=False)
    auth: Auth | None = None
    weight: int = 1
    ca_file: str | None = None
    client_cert_file: str | None = None
    client_key_file: str | None = None
    stream_usage: bool = False
    pass_unknown: bool = False
    logit_bias_entries: int = 0
    """Most entries of `logit_bias` that it accepts; 0: it does not know the field."""
    on_client_abort: OnClientAbort = "cancel"
    drain_max_s: float = 30.0
    drain_max_bytes: int = 4 * _MIB
    max_connections: int = 1000
    transport: Client = "pool"
    """Which implementation of the connections; a name in `TRANSPORTS`."""
    keepalive_s: float = 15.0
    """How long an idle connection is kept: less than the upstream's own idle timeout."""
    timeouts: Timeouts = Timeouts()
    max_response_bytes: int = 64 * _MIB
    max_stream_bytes: int = 1024 * _MIB

    @property
    def root(self) -> str:
        """The base URL without the /v1 that every path of ours begins with."""
        return self.base_url.rstrip("/").removesuffix("/v1")
