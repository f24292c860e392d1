"""Settings of a store in Redis: how to connect, and what limits do while it is lost."""

from typing import Annotated, Literal

from pydantic import Field

from gateway.config.paths import FilePath
from gateway.validate import Strict

Stance = Literal["closed", "local", "open"]


class OnLoss(Strict):
    """What each class of limits does while Redis does not answer.

    closed: the request is refused; local: this process counts alone, on its share; open: the limit is not applied.
    """

    money: Stance = Field(default="closed", description="Budgets in dollars.")
    use: Stance = Field(default="local", description="Requests and tokens.")
    concurrency: Stance = Field(default="local", description="Requests at a time.")
    new: Stance = Field(default="local", description="Distinct prompts and their output.")


class RedisSettings(Strict):
    """Used where `store` names a Redis."""

    password_file: FilePath | None = Field(
        default=None, description="File with the password; read again at each connection."
    )
    ca_file: FilePath | None = Field(default=None, description="Certificates to trust instead of the system's, in PEM.")
    client_cert_file: FilePath | None = Field(default=None, description="Certificate to present, in PEM.")
    client_key_file: FilePath | None = Field(default=None, description="Key of that certificate, in PEM.")
    timeout_ms: Annotated[int, Field(ge=10, le=2000)] = Field(
        default=100, description="How long one answer may take before the store counts as lost."
    )
    undelivered_file: FilePath = Field(
        default="undelivered.jsonl",
        description="Where settlements wait that Redis could not be told; one file per process.",
        validate_default=True,
    )
    replicas: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=1, description="Processes that share the store: a local limit is one part in so many."
    )
    local_s: float = Field(default=600, ge=0, description="After so many seconds of loss, local limits are closed.")
    on_loss: OnLoss = Field(default_factory=OnLoss, description="What limits do while Redis is lost.")
