"""Files, bounds and timers: the settings that are not about a connection point."""

from typing import Literal

from pydantic import Field, model_validator

from gateway.config.paths import FilePath
from gateway.scalars import Line, Name, Size
from gateway.validate import Strict


class PepperEntry(Strict):
    """A secret that goes into every key hash."""

    id: Name | None = Field(default=None, description="Stands beside each hash; absent: a fingerprint of the value.")
    file: FilePath = Field(description="File that holds it: 32 to 4096 bytes.")


class Files(Strict):
    """Where the rest of the configuration is; all of it is reloaded when it changes."""

    accounts: FilePath = Field(default="accounts.yaml", description="Orgs, accounts and keys.", validate_default=True)
    models: FilePath = Field(default="models.yaml", description="Model facts and prices.", validate_default=True)
    policies: FilePath = Field(default="policies", description="Directory of policies.", validate_default=True)


class AccountsEntry(Strict):
    """What the store keeps of accounts besides accounts.yaml: accounts and keys, and the standing of any account."""

    stale_s: float = Field(
        default=600, ge=0, description="While the store does not answer, keys in memory are good for so many seconds."
    )
    cached_keys: int = Field(default=50_000, ge=1, le=5_000_000, description="Keys kept in memory, about 1 KiB each.")
    appeal: Line | None = Field(
        default=None, description="Where a blocked caller may appeal: an address or a link, told in the refusal."
    )


class Reservation(Strict):
    """How usage is held back before it is known."""

    ttl_s: float = Field(
        default=60, gt=1, le=3600, description="Seconds until an orphaned reservation expires; live ones renew."
    )
    output: Literal["estimate", "worst_case"] = Field(
        default="estimate",
        description="What output token rates reserve: the model's usual output, or the caller's cap. Money always "
        "reserves the worst case.",
    )


class Limits(Strict):
    """Bounds of the gateway itself; what callers may use is for policies to say."""

    body_bytes: Size = Field(default=64 << 20, ge=1024, description="Largest request body.")
    head_bytes: Size = Field(default=32 << 10, ge=1024, description="Largest request head.")
    headers: int = Field(default=100, ge=10, le=1000, description="Most headers of a request.")
    inflight_body_bytes: Size = Field(
        default=512 << 20, ge=1024, description="Request bodies in memory, of all callers."
    )
    inflight_body_bytes_per_account: Size = Field(default=128 << 20, ge=1024, description="The same, of one account.")
    max_inflight_requests: int = Field(default=4096, ge=1, description="Requests served at the same time.")

    @model_validator(mode="after")
    def _nested(self) -> "Limits":
        if self.body_bytes > self.inflight_body_bytes_per_account:
            raise ValueError("body_bytes: expected at most inflight_body_bytes_per_account, or no such body gets in")
        if self.inflight_body_bytes_per_account > self.inflight_body_bytes:
            raise ValueError("inflight_body_bytes_per_account: expected at most inflight_body_bytes")
        return self


class Observe(Strict):
    """What is watched beyond the fixed metrics."""

    top_accounts: int = Field(
        default=0, ge=0, le=100, description="Accounts with series of their own in the metrics: the busiest; 0: none."
    )
    sketch_accounts: int = Field(
        default=20_000, ge=1, le=1_000_000, description="Accounts that the detectors keep a sketch of, in memory."
    )


class Timers(Strict):
    """Seconds, unless the name says otherwise."""

    head_s: float = Field(default=10, gt=0, description="A request head must be complete in this time, or it is 408.")
    body_s: float = Field(default=10, gt=0, description="A body may take this long and its size over `body_min_rate`.")
    body_min_rate: Size = Field(
        default=50 << 10, gt=0, description="Bytes per second that a body must keep up on average."
    )
    keepalive_s: float = Field(default=75, gt=0, description="Idle connections close; longer than the load balancer's.")
    slow_reader_s: float = Field(default=60, gt=0, description="A caller that accepts no byte for so long is cut off.")
    drain_s: float = Field(default=300, ge=0, description="After SIGTERM, streams may finish for so long.")
