"""The composition root: builds every room from the settings, reloads what may change, closes in order."""

import asyncio
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass

from gateway import __version__
from gateway.accounts import accounts_of
from gateway.beside import beside
from gateway.config import SecretMissing, Settings
from gateway.core.clock import Clock, SystemClock
from gateway.detectors.watchtower import Watchtower
from gateway.exchange import Snapshot
from gateway.hints import hints
from gateway.identity.admins import Admin, Role
from gateway.identity.keys import Pepper
from gateway.leaving import Leaving
from gateway.live import Live
from gateway.observe.events import MetricEvents
from gateway.observe.metrics import Metrics
from gateway.observe.sinks import RingSink, Sink
from gateway.policy.archive import keep
from gateway.provenance import provenance_of
from gateway.sources import connection_files, fingerprint, load_snapshot, peppers_of, tiers, upstream_settings
from gateway.upstreams.bridge import Bridge
from gateway.upstreams.settings import UpstreamSettings
from gateway.usage_store import usage_store
from gateway.wiring import Rooms, sink_of, transport_of, wire
from gateway.yamlio import YamlProblems

log = logging.getLogger("gateway")


@dataclass(frozen=True, slots=True)
class _Connections:
    """All that connections to upstreams are made from: when it changes, they are made anew."""

    upstreams: list[UpstreamSettings]
    files: str
    """A hash over the certificates: their paths stay the same when they are renewed."""


class Runtime:
    """Everything a gateway process has, wired. `start` before serving, `close` after the last exchange."""

    def __init__(self, settings: Settings, routes: tuple[str, ...], clock: Clock | None = None) -> None:
        """Read and check all files. Raises YamlProblems or SecretMissing: a bad set never starts."""
        self.settings = settings
        self.clock = clock or SystemClock()
        self.live = Live()
        self.draining = False
        self.ring = RingSink()
        self.metrics = Metrics(__version__, (*routes, "other"))
        self.events = MetricEvents(self.metrics, self.clock)
        self.admins = tuple(
            Admin(entry.name, Role[entry.role.upper()], bytes.fromhex(entry.token_sha256)) for entry in settings.admins
        )
        peppers = peppers_of(settings)
        self.snapshot: Snapshot = load_snapshot(settings, peppers, self.clock.now_ms())
        self._fingerprint = fingerprint(settings)
        self._connections = _Connections(upstream_settings(settings), connection_files(settings))
        self._leaving = Leaving()
        self._reloading = asyncio.Lock()
        self.also_reload: Callable[[], None] = lambda: None
        """What the server reads again itself (certificates); raises SecretMissing before anything is swapped."""
        bridge = self._bridge(self._connections)
        self.sink: Sink = sink_of(settings.decision_log, self.ring)
        self.store = usage_store(settings, self.clock, self.events)
        self.watchtower = Watchtower(self.metrics, self.clock.now_ms, settings.observe.sketch_accounts)
        self.accounts = accounts_of(settings, self.clock, lambda: self.snapshot.directory)
        self.accounts.configure(peppers)
        self.accounts.report_to(lambda: self.snapshot.policies, self.metrics, self.events)
        self.provenance = provenance_of(settings.watermark, self.metrics, self.clock)
        self.pipeline = wire(
            settings,
            Rooms(
                self.clock,
                self.metrics,
                self.sink,
                self.store,
                self.accounts.lookup,
                self.watchtower,
                bridge,
                self.provenance,
            ),
            secret=peppers[0].value if peppers else os.urandom(32),
        )
        self._label()
        self.metrics.name_top_accounts(settings.observe.top_accounts)
        self.metrics.watch("gateway_store_fallback_active", lambda: self.store.degraded)
        self.metrics.watch("gateway_detector_accounts", lambda: self.watchtower.accounts)
        self.metrics.watch("gateway_detector_dropped_total", lambda: self.watchtower.dropped)
        self.metrics.watch("gateway_requests_in_flight", lambda: len(self.live))
        self.metrics.watch("gateway_requests_slowed", lambda: len(self.pipeline.delays))
        self.metrics.watch("gateway_reservations_held", lambda: len(self.live.reserved_ids()))
        self.metrics.watch("gateway_decision_log_dropped_total", lambda: self.sink.dropped)
        receipts = self.provenance.receipts
        self.metrics.watch("gateway_receipts_issued_total", lambda: receipts.issued if receipts else 0)
        self.metrics.watch("gateway_receipts_dropped_total", lambda: receipts.missing if receipts else 0)

    async def start(self) -> None:
        """Open the store and begin to watch. Raises StoreUnavailable."""
        await self.store.open()
        try:
            await self.accounts.start()
        except BaseException:
            await self.store.close()
            raise
        try:
            await self.provenance.start(lambda: self.pipeline.bridge, lambda: self.snapshot.catalogue, self.clock)
        except BaseException:
            await self.accounts.close()
            await self.store.close()
            raise
        self.watchtower.start()
        self._hint([*hints(self.settings, self.snapshot, self.clock.now_ms()), *await self.accounts.in_both()])
        self.events.emit("reload.ok", revision=self.snapshot.policies.revision)
        await self._keep_revision()

    async def _keep_revision(self) -> None:
        """Archive the policies in force. What goes wrong is a line in the log: no request needs the archive."""
        folder, snapshot = self.settings.policy_archive, self.snapshot
        if folder is None:
            return
        try:
            await asyncio.to_thread(keep, folder, snapshot.policies.revision, snapshot.documents)
        except OSError as error:
            log.warning(
                "the policies in force could not be archived",
                extra={"fields": {"revision": snapshot.policies.revision, "error": str(error)}},
            )

    async def reload(self) -> list[str]:
        """Read all files again and swap them in as one; the problems found, and then nothing has changed.

        Usage is never reset: it is keyed by scope, unit and window, not by what is reloaded here. Listeners, the
        store, timers and the list of upstreams need a restart.
        """
        self.sink.reopen()  # whoever rotates the decision log sends SIGHUP
        async with self._reloading:
            try:
                snapshot, peppers, connections, seen, unlikely = await beside(self._read_again)
                bridge = self._bridge(connections) if connections != self._connections else None
                self.also_reload()
            except (YamlProblems, SecretMissing, OSError) as error:
                problems = [str(problem) for problem in getattr(error, "problems", ())] or [str(error)]
                self.events.emit("reload.failed", error="; ".join(problems[:5]), problems=len(problems))
                return problems
            except Exception:
                log.exception("fault while reloading")
                self.events.emit(
                    "reload.failed", error="a fault of the gateway; the line before says where", problems=1
                )
                return ["the gateway failed while reloading; its log says where"]
            self._fingerprint = seen
            snapshot.policies.switch(self.accounts.switches)
            self._leaving.snapshot(self.snapshot, self.live)
            self.snapshot = snapshot
            self.accounts.configure(peppers)
            if bridge is not None:
                self._connections = connections
                self._leaving.bridge(self.pipeline.bridge)
                self.pipeline.bridge = bridge
                for name in self.settings.upstreams:
                    self.metrics.upstream_state(name, up=True)  # a new breaker is closed and tells only of changes
            self._label()
            self._hint([*unlikely, *await self.accounts.in_both()])
            self.events.emit("reload.ok", revision=snapshot.policies.revision)
            await self._keep_revision()
            return []

    def _read_again(self) -> "tuple[Snapshot, tuple[Pepper, ...], _Connections, str, list[str]]":
        seen = fingerprint(self.settings)  # before reading: a change in between is noticed next time
        peppers = peppers_of(self.settings)
        snapshot = load_snapshot(self.settings, peppers, self.clock.now_ms(), self.snapshot.countries)
        connections = _Connections(upstream_settings(self.settings), connection_files(self.settings))
        return snapshot, peppers, connections, seen, hints(self.settings, snapshot, self.clock.now_ms())

    def _hint(self, unlikely: list[str]) -> None:
        """Say what loads and can hardly be meant, such as an account that no policy covers."""
        for one in unlikely:
            log.warning("check the configuration", extra={"fields": {"hint": one}})

    async def changed(self) -> bool:
        """Whether a reloadable file differs from what was last tried; a broken set is tried once."""
        seen = await asyncio.to_thread(fingerprint, self.settings)
        if seen == self._fingerprint:
            return False
        self._fingerprint = seen
        return True

    def _bridge(self, connections: "_Connections") -> Bridge:
        return Bridge(connections.upstreams, transport_of, self.clock, self.events)

    def _label(self) -> None:
        policies = self.snapshot.policies.policies
        self.metrics.configure(
            ("none", *(model.id for model in self.snapshot.catalogue.models)),
            self.settings.upstreams,
            (policy.id for policy in policies),
            {name for policy in policies for name in (*policy.limits, *policy.budgets)},
            tiers(self.snapshot),
        )
        self.metrics.clauses(
            (policy.id, policy.clause.document, policy.clause.section or "")
            for policy in policies
            if policy.clause is not None
        )
        self.metrics.standings(self.accounts.by_standing())

    async def close(self) -> None:
        """After the last exchange: its record, connections, the detectors' queue, then usage to disk, then the log."""
        self.pipeline.aftermath.catch_up()
        try:
            await self.provenance.close()  # the self-test asks upstreams until then
        finally:
            await self._leaving.close()
            await self.pipeline.bridge.close()
        try:
            self.watchtower.drain()
        finally:
            try:
                await self.accounts.close()
            finally:
                await self.store.close()
        self.sink.close()
