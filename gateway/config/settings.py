"""Everything that can be set, in one model: gateway.yaml, the environment and flags all end here."""

from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from gateway.config.listeners import AdminEntry, AdminListener, DataListener, OpsListener
from gateway.config.parts import AccountsEntry, Files, Limits, Observe, PepperEntry, Reservation, Timers
from gateway.config.paths import FilePath, resolve
from gateway.config.redis import RedisSettings
from gateway.config.upstream import UpstreamEntry
from gateway.config.watermark import WatermarkEntry
from gateway.core.redis_target import is_redis, parse
from gateway.scalars import Name
from gateway.validate import Strict

SQLITE = "sqlite:"


def _store(url: str, info: ValidationInfo) -> str:
    if url == "memory:":
        return url
    if url.startswith(SQLITE) and len(url) > len(SQLITE):
        return SQLITE + str(resolve(url.removeprefix(SQLITE), info))
    if is_redis(url):
        parse(url)
        return url
    raise ValueError("expected memory:, sqlite:PATH or redis://HOST[:PORT][/DB]")


def _decision_log(target: str, info: ValidationInfo) -> str:
    return target if target in ("-", "off") else str(resolve(target, info))


class Settings(Strict):
    """The settings of one gateway process."""

    data: DataListener = Field(default_factory=DataListener, description="Listener for callers.")
    ops: OpsListener = Field(default_factory=OpsListener, description="Listener for health and metrics.")
    admin: AdminListener = Field(default_factory=AdminListener, description="Listener for the admin API.")
    store: Annotated[str, AfterValidator(_store)] = Field(
        default="sqlite:gateway.sqlite",
        description="Where usage is kept: `sqlite:PATH`, `redis://HOST` and its kin, or `memory:` (lost at exit).",
        validate_default=True,
    )
    redis: RedisSettings = Field(default_factory=dict, description="A store in Redis.", validate_default=True)
    files: Files = Field(default_factory=dict, description="The rest of the configuration.", validate_default=True)
    key_pepper_files: tuple[PepperEntry, ...] = Field(
        default=(), max_length=2, description="Peppers of the key hashes; the first makes new ones, two while rotating."
    )
    admins: tuple[AdminEntry, ...] = Field(
        default=(), description="Operators of the admin API; none: it refuses everyone."
    )
    upstreams: dict[Name, UpstreamEntry] = Field(min_length=1, description="Model servers by name.")
    limits: Limits = Field(default_factory=Limits, description="Bounds of the gateway itself.")
    timers: Timers = Field(default_factory=Timers, description="How long it waits for callers.")
    accounts: AccountsEntry = Field(default_factory=AccountsEntry, description="Accounts and keys kept in the store.")
    reservation: Reservation = Field(default_factory=Reservation, description="How usage is held back.")
    observe: Observe = Field(default_factory=Observe, description="What is watched beyond the fixed metrics.")
    watermark: WatermarkEntry | None = Field(
        default=None, description="Marks, fingerprints and receipts that policies may ask for; absent: none."
    )
    decision_log: Annotated[str, AfterValidator(_decision_log)] = Field(
        default="-", description="Where decision records go: `-` (standard output), a file, or `off`."
    )
    policy_archive: FilePath | None = Field(
        default=None, description="Folder in which every revision of the policies is kept; none: they are not."
    )
    reload_poll_s: float = Field(default=5, gt=0, description="How often files are looked at for changes, in seconds.")

    @model_validator(mode="after")
    def _whole(self) -> "Settings":
        names = [admin.name for admin in self.admins]
        if len(set(names)) < len(names):
            raise ValueError("admins: two of them have the same name")
        fixed = [port for port in (self.data.port, self.ops.port, self.admin.port) if port]
        if len(set(fixed)) < len(fixed):
            raise ValueError("data, ops and admin: expected three different ports")
        return self
