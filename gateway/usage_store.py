"""The usage store that the settings name, with all that a remote one needs; not opened yet."""

import ssl
from pathlib import Path

from gateway.config import SecretMissing, Settings
from gateway.config.redis import RedisSettings
from gateway.config.secrets import read_secret
from gateway.core.clock import Clock
from gateway.core.ports import Events
from gateway.core.redis_target import Target, is_redis, parse
from gateway.stores.base import Store
from gateway.stores.fallback import FallbackStore, LimitClass, Loss, Stance
from gateway.stores.open import open_store
from gateway.stores.redis.endpoint import Dial
from gateway.stores.redis.link import Lost
from gateway.stores.redis.store import RedisStore
from gateway.stores.redis.undelivered import Undelivered


def usage_store(settings: Settings, clock: Clock, events: Events) -> Store:
    """Raises SecretMissing for a certificate of no use. A password is read at each connection."""
    if not is_redis(settings.store):
        return open_store(settings.store, clock, events)
    redis, target = settings.redis, parse(settings.store)
    remote = RedisStore(
        target, clock, events, dial=_dial(redis, target), undelivered=Undelivered(redis.undelivered_file)
    )
    return FallbackStore(remote, _loss(redis), clock, events)


def redis_dial(settings: Settings) -> Dial | None:
    """How to connect to the Redis of the settings, for what else is kept there; None where the store is another.

    Raises SecretMissing for a certificate of no use.
    """
    return _dial(settings.redis, parse(settings.store)) if is_redis(settings.store) else None


def _loss(redis: RedisSettings) -> Loss:
    on_loss = redis.on_loss
    stances = {
        LimitClass.MONEY: Stance(on_loss.money),
        LimitClass.USE: Stance(on_loss.use),
        LimitClass.CONCURRENCY: Stance(on_loss.concurrency),
        LimitClass.NEW: Stance(on_loss.new),
    }
    return Loss(stances, redis.replicas, redis.local_s)


def _dial(redis: RedisSettings, target: Target) -> Dial:
    path = redis.password_file
    return Dial(
        tls=_tls(redis) if target.tls else None,
        username=target.username,
        password=(lambda: _password(path)) if path is not None else str,
        db=target.db,
        timeout_s=redis.timeout_ms / 1000,
    )


def _password(path: Path) -> str:
    """Raises Lost: a file that is gone in the middle of a rotation is an outage, which ends by itself."""
    try:
        return read_secret(path)
    except SecretMissing as error:
        raise Lost(f"redis.password_file: {error}") from None


def _tls(redis: RedisSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=redis.ca_file)
        if redis.client_cert_file is not None:
            context.load_cert_chain(redis.client_cert_file, redis.client_key_file)
    except OSError as error:
        what = "redis: ca_file, client_cert_file or client_key_file cannot be used"
        raise SecretMissing(f"{what}: {error.strerror or error}") from None
    return context
