"""One model server as the settings describe it. The credential is named here, never written here."""

from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from gateway.config.paths import FilePath
from gateway.engine.validate import validate
from gateway.limit_grammar import Count, Money, Rate, Slots, budget_spec, limit_spec
from gateway.scalars import Size, Slug
from gateway.validate import Strict

DialectName = Literal["chat", "completions", "embeddings", "responses", "messages", "count_tokens"]


_BIAS_ENTRIES: Final = {"openai": 300, "azure": 300, "vllm": 1024, "llamacpp": 1024, "generic": 0}
"""What each kind is known to accept; vLLM since its second model runner, llama.cpp without a limit of its own."""

_ROUTES: Final = ("/completions", "/embeddings", "/responses", "/messages", "/models")
"""What people copy along from a curl line."""


def _base_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0 or not url.isprintable():
        raise ValueError("expected an address like http://127.0.0.1:8000/v1 or https://api.example.com/v1")
    if parts.username is not None or parts.password is not None:
        raise ValueError("expected no credential in the address: use api_key_file or api_key_env")
    if parts.path.rstrip("/").endswith(_ROUTES):
        raise ValueError("expected the address without a route: up to /v1, as an SDK's base URL")
    if parts.query or parts.fragment:
        raise ValueError("expected no query and no fragment in the address")
    return url


def _countable(limit: Rate | Slots | Count | Money) -> Rate | Slots | Count | Money:
    spec = budget_spec(limit, shadow=False) if isinstance(limit, Count | Money) else limit_spec(limit, shadow=False)
    trouble = validate(spec)
    if trouble is not None:
        raise ValueError(trouble)
    return limit


Limit = Annotated[Rate | Slots, Field(discriminator="unit"), AfterValidator(_countable)]
Budget = Annotated[Count | Money, Field(discriminator="unit"), AfterValidator(_countable)]


class UpstreamEntry(Strict):
    """A named upstream: where it is, what it speaks, how long to wait for it."""

    kind: Literal["openai", "azure", "vllm", "llamacpp", "generic"] = Field(
        default="generic", description="What it is; decides which request fields may reach it."
    )
    base_url: Annotated[str, AfterValidator(_base_url)] = Field(description="Its address, with or without /v1.")
    dialects: tuple[DialectName, ...] = Field(
        default=("chat", "completions", "embeddings"),
        min_length=1,
        description="What it speaks; nothing is translated.",
    )
    api_key_file: FilePath | None = Field(
        default=None, description="File with its API key; read again when it changes."
    )
    api_key_env: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = Field(
        default=None, description="Environment variable with its API key."
    )
    auth: Literal["bearer", "x-api-key", "api-key"] | None = Field(
        default=None, description="Header for the key; absent: x-api-key for Anthropic dialects, bearer for the others."
    )
    weight: int = Field(default=1, ge=1, le=1000, description="Share of the traffic among upstreams of the same model.")
    ca_file: FilePath | None = Field(default=None, description="Certificates to trust instead of the system's, in PEM.")
    client_cert_file: FilePath | None = Field(default=None, description="Certificate to present to it, in PEM.")
    client_key_file: FilePath | None = Field(default=None, description="Key of that certificate, in PEM.")
    stream_usage: bool = Field(default=False, description="It knows `stream_options.include_usage`, so it may be sent.")
    pass_unknown: bool = Field(default=False, description="Let request fields through that no table lists.")
    logit_bias_entries: int | None = Field(
        default=None,
        ge=0,
        le=100_000,
        description="Most `logit_bias` entries that it accepts; absent: 300 for openai and azure, 1024 for vllm and "
        "llamacpp, 0 for generic.",
    )
    on_client_abort: Literal["cancel", "drain"] = Field(
        default="cancel",
        description="When the caller leaves: cancel at once, or read on within bounds to learn the usage.",
    )
    drain_max_s: float = Field(default=30, gt=0, description="Bound of `drain` in seconds.")
    drain_max_bytes: Size = Field(default=4 << 20, gt=0, description="Bound of `drain` in bytes.")
    max_connections: int = Field(default=1000, ge=1, description="Most connections to it.")
    transport: Literal["pool", "aiohttp"] = Field(
        default="pool", description="Client for the connections to it: our own pool, or aiohttp's."
    )
    keepalive_s: float = Field(
        default=15, ge=0, description="Idle connections to it close; shorter than its own timeout."
    )
    connect_s: float = Field(default=5, gt=0, description="Timeout in seconds: name look-up, connection and TLS.")
    first_byte_s: float = Field(default=120, gt=0, description="Timeout: from the request sent to the response head.")
    between_bytes_s: float = Field(default=120, gt=0, description="Timeout: between two pieces of an answer.")
    total_s: float = Field(default=3600, gt=0, description="Timeout: a whole exchange.")
    max_response_bytes: Size = Field(default=64 << 20, ge=1024, description="Largest answer that is not a stream.")
    max_stream_bytes: Size = Field(default=1 << 30, ge=1024, description="Largest stream.")

    limits: dict[Slug, Limit] = Field(
        default={}, description="Rates and concurrency of the key at this upstream, as in policies, without `per`."
    )
    budgets: dict[Slug, Budget] = Field(
        default={}, description="Budgets of the key at this upstream, as in policies, without `per`."
    )

    @property
    def bias_entries(self) -> int:
        """How many entries of `logit_bias` it accepts: as set, else as its kind usually does."""
        return _BIAS_ENTRIES[self.kind] if self.logit_bias_entries is None else self.logit_bias_entries

    @model_validator(mode="after")
    def _pairs(self) -> "UpstreamEntry":
        if self.api_key_file is not None and self.api_key_env is not None:
            raise ValueError("expected api_key_file or api_key_env, found both")
        if self.client_key_file is not None and self.client_cert_file is None:
            raise ValueError("client_key_file needs client_cert_file")
        if self.pass_unknown and self.kind not in ("openai", "generic"):
            raise ValueError(f"pass_unknown: the fields of kind {self.kind} are all known; expected openai or generic")
        return self
