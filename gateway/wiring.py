"""The rooms of a request, built from the settings and wired to each other."""

import hashlib
from pathlib import Path
from typing import NamedTuple

from gateway.accounting.amounts import OutputMode
from gateway.accounting.estimate import Estimator
from gateway.archive import Archive
from gateway.config import SecretMissing, Settings
from gateway.core.clock import Clock
from gateway.delays import Delays
from gateway.detectors.watchtower import Watchtower
from gateway.gates import Gates
from gateway.identity.addresses import networks
from gateway.identity.lookup import KeyLookup
from gateway.identity.pseudonym import Pseudonyms
from gateway.observe.metrics import Metrics
from gateway.observe.sinks import FileSink, RingSink, Sink, StdoutSink, TeeSink
from gateway.pipeline import Pipeline
from gateway.policy.upstream_limits import UpstreamLimits
from gateway.provenance import Provenance
from gateway.rulebook import RuleBook
from gateway.scales import Scales
from gateway.sight import Sight
from gateway.stores.base import Store
from gateway.upstreams import TRANSPORTS
from gateway.upstreams.base import Transport
from gateway.upstreams.bridge import Bridge
from gateway.upstreams.settings import UpstreamSettings


class Rooms(NamedTuple):
    """What a runtime has and a pipeline needs."""

    clock: Clock
    metrics: Metrics
    sink: Sink
    store: Store
    lookup: KeyLookup
    watchtower: Watchtower
    bridge: Bridge
    provenance: Provenance


def wire(settings: Settings, rooms: Rooms, *, secret: bytes) -> Pipeline:
    """The pipeline. What is kept of prompts and shown to upstreams is keyed with `secret`."""
    trusted = networks(settings.data.trusted_proxies)
    prompt_key = hashlib.sha256(b"prompts" + secret).digest()
    scales = Scales(
        store=rooms.store,
        estimator=Estimator(),
        metrics=rooms.metrics,
        clock=rooms.clock,
        ttl_ms=round(settings.reservation.ttl_s * 1000),
        output_mode=OutputMode.ESTIMATE if settings.reservation.output == "estimate" else OutputMode.WORST,
        prompt_key=prompt_key,
    )
    at_once = settings.limits.max_inflight_requests
    return Pipeline(
        lookup=rooms.lookup,
        scales=scales,
        gates=Gates(scales, UpstreamLimits(settings.upstreams)),
        bridge=rooms.bridge,
        pseudonyms=Pseudonyms(hashlib.sha256(b"pseudonyms" + secret).digest()),
        archive=Archive(rooms.metrics, rooms.sink),
        sight=Sight(rooms.watchtower, key=prompt_key, trusted=trusted),
        rulebook=RuleBook(trusted),
        marks=rooms.provenance.marks,
        receipts=rooms.provenance.receipts,
        scribe=rooms.provenance.scribe,
        delays=Delays(max(1, at_once // 2), max(1, at_once // 16)),
        clock=rooms.clock,
    )


def transport_of(settings: UpstreamSettings) -> Transport:
    """The connections to one upstream. Raises SecretMissing for certificates that are of no use."""
    try:
        return TRANSPORTS[settings.transport](settings)
    except OSError as error:
        what = f"upstreams.{settings.name}: ca_file, client_cert_file or client_key_file cannot be used"
        raise SecretMissing(f"{what}: {error.strerror or error}") from None


def sink_of(target: str, ring: RingSink) -> Sink:
    """Where decision records go: the ring of the newest always, and standard output (`-`) or a file."""
    if target == "off":
        return ring
    return TeeSink([ring, StdoutSink() if target == "-" else FileSink(Path(target))])
