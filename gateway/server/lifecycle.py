"""From listening to the last settled stream: listeners, the periodic pass, signals, drain."""

import asyncio
import logging
import signal
import ssl
from collections.abc import Callable

from gateway.config import SecretMissing
from gateway.runtime import Runtime
from gateway.server.admin import AdminPlane
from gateway.server.canary import fault_of_hot_lane
from gateway.server.door import Door, DoorLimits, Handler
from gateway.server.handler import DataPlane
from gateway.server.hot_lane import HotLane
from gateway.server.ops import OpsPlane
from gateway.server.reference_lane import ReferenceLane, unparseable
from gateway.server.routes import INFERENCE_PATHS

log = logging.getLogger("gateway")

_TICK_S = 1.0
_LAST_WORDS_S = 3.0
"""A stream that is not read is ended with an error event first; only then its connection is cut."""
_BACKLOG = 1024
_FORCED_EXIT_S = 5.0
"""After the grace period, streams get this long to say goodbye."""


class Gateway:
    """A running gateway: three listeners over one runtime."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self._data_plane = DataPlane(runtime)
        self._servers: list[tuple[asyncio.Server, Door]] = []
        self._hot_lane: HotLane | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping, self._hurry = asyncio.Event(), asyncio.Event()
        self._reloads: set[asyncio.Task[list[str]]] = set()
        self.data_port = self.ops_port = self.admin_port = 0

    async def start(self) -> None:
        """Open the store, then the doors.

        Raises StoreUnavailable, SecretMissing for a certificate of no use, or OSError for a port that is taken.
        """
        settings = self.runtime.settings
        await self.runtime.start()
        try:
            self.data_port = await self._listen_for_callers()
            self.ops_port = await self._listen(OpsPlane(self.runtime), settings.ops.host, settings.ops.port)
            self.admin_port = await self._listen(AdminPlane(self.runtime), settings.admin.host, settings.admin.port)
        except BaseException:
            await self.close()
            raise
        self._tasks = [asyncio.create_task(self._tick()), asyncio.create_task(self._watch_files())]

    async def _listen_for_callers(self) -> int:
        """The data listener: the hot lane in front of aiohttp's, or that one alone."""
        settings, metrics = self.runtime.settings.data, self.runtime.metrics
        limits = self._door_limits()
        door = Door(ReferenceLane(self._data_plane), limits, unparseable)
        fault = await fault_of_hot_lane(limits) if settings.hot_lane == "on" else None
        if fault is not None:
            log.error("the hot lane stays closed, all is served by aiohttp", extra={"fields": {"fault": fault}})
        lane: HotLane | None = None
        if settings.hot_lane == "on" and fault is None:
            lane = self._hot_lane = HotLane(self._data_plane, door, limits, INFERENCE_PATHS)
        metrics.watch("gateway_hot_lane", lambda: int(lane is not None))
        metrics.watch("gateway_hot_lane_handovers_total", lambda: lane.handed_over if lane is not None else 0)
        metrics.watch("gateway_connections_open", lambda: self.connections)
        tls = self._tls() if settings.tls is not None else None
        return await self._serve(lane or door, door, settings.host, settings.port, tls)

    @property
    def connections(self) -> int:
        """Open connections of callers, on both lanes."""
        _, door = self._servers[0]
        return len(door.connections) + (0 if self._hot_lane is None else len(self._hot_lane.connections))

    @property
    def _unsent(self) -> bool:
        _, door = self._servers[0]
        return door.unsent or (self._hot_lane is not None and self._hot_lane.unsent)

    async def _listen(self, handler: Handler, host: str, port: int) -> int:
        door = Door(handler, self._door_limits(), unparseable)
        return await self._serve(door, door, host, port)

    def _door_limits(self) -> DoorLimits:
        settings = self.runtime.settings
        return DoorLimits(
            head_s=settings.timers.head_s,
            keepalive_s=settings.timers.keepalive_s,
            head_bytes=settings.limits.head_bytes,
            headers=settings.limits.headers,
        )

    async def _serve(
        self,
        factory: Callable[[], asyncio.Protocol],
        door: Door,
        host: str,
        port: int,
        tls: ssl.SSLContext | None = None,
    ) -> int:
        """Listen; the bound port. `door` is the part of it that is aiohttp's."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(factory, host, port, backlog=_BACKLOG, ssl=tls)
        self._servers.append((server, door))
        bound: int = server.sockets[0].getsockname()[1]
        return bound

    def _tls(self) -> ssl.SSLContext:
        """The data listener's TLS; a reload loads the files again, for connections from then on."""
        files = self.runtime.settings.data.tls
        assert files is not None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])

        def load() -> None:
            try:
                # Tried aside first: a certificate whose key has not been written yet would spoil the one in use.
                ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(files.cert_file, files.key_file)
                context.load_cert_chain(files.cert_file, files.key_file)
            except OSError as error:
                what = f"data.tls: {files.cert_file} and {files.key_file} cannot be used together"
                raise SecretMissing(f"{what}: {error.strerror or error}") from None

        load()
        self.runtime.also_reload = load
        return context

    async def _tick(self) -> None:
        """Once a second: keep reservations alive, end callers that do not read, measure how late this runs."""
        runtime = self.runtime
        ttl_ms = runtime.pipeline.scales.ttl_ms
        lag = 0.0
        runtime.metrics.watch("gateway_event_loop_lag_seconds", lambda: lag)
        renewed_at = runtime.clock.monotonic()
        while True:
            due = runtime.clock.monotonic() + _TICK_S
            await asyncio.sleep(_TICK_S)
            now = runtime.clock.monotonic()
            lag = max(0.0, now - due)
            patience_s = runtime.settings.timers.slow_reader_s
            try:
                if now - renewed_at >= ttl_ms / 3000:
                    renewed_at = now
                    # First: whatever fails below, no reservation may expire under its stream.
                    runtime.store.renew(runtime.live.reserved_ids(), ttl_ms)
                runtime.live.stop_slow_readers(now, patience_s)
                for _, door in self._servers:
                    door.cut_slow_readers(now, patience_s + _LAST_WORDS_S)
                if self._hot_lane is not None:
                    self._hot_lane.look_after(patience_s + _LAST_WORDS_S)
            except Exception:
                log.exception("the periodic pass failed")

    async def _watch_files(self) -> None:
        while True:
            await asyncio.sleep(self.runtime.settings.reload_poll_s)
            try:
                if await self.runtime.changed():
                    await self.runtime.reload()
            except Exception:
                log.exception("the files could not be looked at")

    def heed_signals(self) -> None:
        """SIGTERM and SIGINT stop, a second one cuts the grace period; SIGHUP reloads.

        To be called before `start`: each of them would end the process at once while nobody heeds it.
        """
        loop = asyncio.get_running_loop()
        for number, handle in self._signals.items():
            loop.add_signal_handler(number, handle)

    @property
    def _signals(self) -> dict[signal.Signals, Callable[[], None]]:
        return {signal.SIGTERM: self._stop, signal.SIGINT: self._stop, signal.SIGHUP: self._reload}

    def _stop(self) -> None:
        (self._hurry if self._stopping.is_set() else self._stopping).set()

    def _reload(self) -> None:
        task = asyncio.create_task(self.runtime.reload())
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)

    async def run_until_stopped(self) -> None:
        """Serve until a signal stops it, then drain."""
        self.heed_signals()
        try:
            await self._stopping.wait()
            await self.drain(self._hurry)
        finally:
            for number in self._signals:
                asyncio.get_running_loop().remove_signal_handler(number)

    async def drain(self, hurry: asyncio.Event | None = None) -> None:
        """Not ready, no new connections, streams finish within the grace period; then they are ended and settled."""
        runtime = self.runtime
        runtime.draining = True
        log.info("draining", extra={"fields": {"in_flight": len(runtime.live)}})
        data_server, data_door = self._servers[0]
        data_server.close()
        data_door.pre_shutdown()  # idle keep-alive connections close now, busy ones after their answer
        if self._hot_lane is not None:
            self._hot_lane.pre_shutdown()
        await self._until_idle(runtime.settings.timers.drain_s, hurry)
        stopped = runtime.live.stop_all()
        if stopped:
            log.warning("grace period is over", extra={"fields": {"streams_ended": stopped}})
            await self._until_idle(_FORCED_EXIT_S)
        await self.close()

    async def _until_idle(self, seconds: float, hurry: asyncio.Event | None = None) -> None:
        """Until nothing is served and callers have taken what was written for them, for so many seconds at most."""
        deadline = self.runtime.clock.monotonic() + seconds
        while (len(self.runtime.live) or self._unsent) and self.runtime.clock.monotonic() < deadline:
            if hurry is not None and hurry.is_set():
                return
            await asyncio.sleep(0.05)

    async def close(self) -> None:
        """Close everything, in the order that loses nothing: doors, drains, then the runtime."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for server, door in self._servers:
            server.close()
            await door.shutdown(0.1)
        if self._hot_lane is not None:
            await self._hot_lane.shutdown()
        await self._data_plane.drains.close()
        await self.runtime.close()
