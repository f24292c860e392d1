"""The upstreams as operators see them: health, load, and where the limits of their keys stand."""

from contextlib import suppress
from typing import Any

from gateway.engine.spec import Spec
from gateway.identity.admins import Role
from gateway.runtime import Runtime
from gateway.server.admin_call import AdminCall, Answer, Route, Routes
from gateway.server.own_routes import reading_entry
from gateway.stores.base import StoreUnavailable


class AdminUpstreams:
    """One route, read only."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.routes: Routes = {("GET", "upstreams"): Route(Role.READ, self._upstreams)}

    async def _upstreams(self, _: AdminCall) -> Answer:
        statuses = self._runtime.pipeline.bridge.snapshot()
        return {
            "upstreams": [
                {
                    "name": status.name,
                    "healthy": status.healthy,
                    "outstanding": status.outstanding,
                    "limits": await self._limits(status.name),
                }
                for status in statuses
            ]
        }

    async def _limits(self, upstream: str) -> list[dict[str, Any]] | None:
        """Every limit that any model of the upstream counts on; None while the store does not answer."""
        limits = self._runtime.pipeline.gates.limits
        specs: dict[str, Spec] = {
            spec.key: spec
            for model in self._runtime.snapshot.catalogue.models
            if upstream in model.upstreams
            for spec in limits.specs(upstream, model)
        }
        if specs:
            with suppress(StoreUnavailable):
                readings = await self._runtime.store.peek(tuple(specs.values()))
                return [{"limit": one.spec.key, **reading_entry(one)} for one in readings]
            return None
        return []
