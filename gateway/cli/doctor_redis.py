"""Whether a store in Redis would do: asked of Redis itself, as at start."""

import asyncio
from collections.abc import Iterator

from gateway.cli.doctor_checks import Line
from gateway.config import SecretMissing, Settings
from gateway.core.redis_target import is_redis, parse
from gateway.stores.base import StoreUnavailable
from gateway.stores.redis.checks import check
from gateway.stores.redis.servers import servers
from gateway.usage_store import redis_dial


def redis(settings: Settings) -> Iterator[Line]:
    """Nothing for another kind of store."""
    if not is_redis(settings.store):
        return
    target = parse(settings.store)
    try:
        for warning in asyncio.run(_ask(settings)):
            yield Line("warn", "store", warning, "look at it by hand")
    except (StoreUnavailable, SecretMissing) as error:
        yield Line("fail", "store", str(error), "docs/redis.md says what it needs")
    else:
        yield Line("ok", "store", f"{target} answers and will do")


async def _ask(settings: Settings) -> list[str]:
    dial = redis_dial(settings)
    assert dial is not None
    target = parse(settings.store)
    asked = servers(target, dial)
    try:
        return await check(asked, target)
    finally:
        await asked.close()
