"""Every metric the gateway exports, declared once: name, type, help, labels. docs/metrics.md is checked against it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """Prometheus types in use. A gauge without labels is read by callback at scrape time."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Instrument:
    """One metric. `scale` divides the integer slot on export (nano-dollars to dollars).

    `cap` is the most label sets it may have; from there on `coarse` says `other` first, then every label does. A
    scrape must stay below 2,000 lines at 50 models: a test counts them.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    scale: int = 1
    cap: int = 100
    coarse: str = ""


DURATION_S: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
"""The GenAI boundaries: model answers take 10 ms to minutes."""
SHORT_S: Final = (0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
"""Our own work and the store's: tens of microseconds when well, a second when not."""
RATIO: Final = (0.5, 0.9, 0.99)
"""Half full, nearly full, full: each limit has its own histogram, so that every bucket is dear."""
SPREAD: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)
"""Distinct networks or programs of one key: powers of two, because only the order of magnitude tells anything."""
OUT_PER_IN: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 64.0)
TOKENS: Final = (0.0, 1.0, 4.0, 16.0, 64.0, 256.0, 1024.0, 4096.0, 16384.0, 65536.0, 262144.0)

_C, _G, _H = Kind.COUNTER, Kind.GAUGE, Kind.HISTOGRAM

METRICS: Final = (
    Instrument(
        "gateway_requests_total", _C, "Requests, by how they ended.", ("route", "model", "outcome"),
        cap=330, coarse="model",
    ),
    Instrument(
        "gateway_refusals_total", _C, "Requests the gateway refused, by reason code.", ("route", "reason"),
        coarse="route",
    ),
    Instrument(
        "gateway_request_duration_seconds", _H, "From the request head to the last byte of the answer.",
        ("route", "stream"), DURATION_S,
    ),
    Instrument(
        "gateway_overhead_seconds", _H, "Time spent in the gateway itself, waiting for upstreams and callers excluded.",
        ("route",), SHORT_S,
    ),
    Instrument(
        "gateway_time_to_first_byte_seconds", _H, "From the request head to the first byte of the answer's body.",
        ("route",), DURATION_S,
    ),
    Instrument(
        "gateway_upstream_requests_total", _C, "Attempts sent to an upstream, by class of status or failure.",
        ("upstream", "code_class"), coarse="upstream",
    ),
    Instrument(
        "gateway_upstream_duration_seconds", _H, "From sending the attempt that was answered to the end of its answer.",
        ("upstream",), DURATION_S, cap=12,
    ),
    Instrument(
        "gateway_upstream_passed_over_total", _C, "Times an upstream was not asked: its own limits had no room.",
        ("upstream", "reason"), coarse="upstream",
    ),
    Instrument("gateway_upstream_up", _G, "1 while requests may be sent to the upstream.", ("upstream",)),
    Instrument(
        "gateway_tokens_total", _C, "Tokens settled; cached input counts as input.", ("model", "direction"),
        cap=180, coarse="model",
    ),
    Instrument("gateway_cost_usd_total", _C, "Dollars settled at the prices of models.yaml.", ("model",), scale=10**9),
    Instrument(
        "gateway_decisions_total", _C, "Policy decisions, those of audit mode included.",
        ("policy", "action", "mode", "reason"), cap=150, coarse="reason",
    ),
    Instrument(
        "gateway_limit_saturation_ratio", _H, "Used part of a limit right after a request was admitted or refused.",
        ("policy", "limit"), RATIO, cap=40, coarse="limit",
    ),
    Instrument("gateway_requests_slowed", _G, "Requests that a rule lets wait right now; they count as in flight too."),
    Instrument("gateway_reservations_held", _G, "Reservations that are neither settled nor expired."),
    Instrument("gateway_settlements_total", _C, "Reservations settled.", ("outcome", "estimated")),
    Instrument(
        "gateway_settle_adjustment_tokens", _H, "Tokens by which a settlement differed from its reservation.",
        ("direction",), TOKENS,
    ),
    Instrument("gateway_store_operations_total", _C, "Operations on the usage store.", ("op", "outcome")),
    Instrument("gateway_store_duration_seconds", _H, "Time an operation on the usage store took.", ("op",), SHORT_S),
    Instrument("gateway_store_fallback_active", _G, "1 while the usage store cannot do its job."),
    Instrument("gateway_policy_reload_success_timestamp_seconds", _G, "Unix time of the last good policy load."),
    Instrument("gateway_policy_last_reload_successful", _G, "1 if the last policy load succeeded."),
    Instrument("gateway_policy_info", _G, "The policy revision in force, as a label; always 1.", ("revision",)),
    Instrument(
        "gateway_policy_clause_info", _G, "The term of service a policy encodes, as labels; always 1.",
        ("policy", "document", "section"),
    ),
    Instrument(
        "gateway_policy_switches", _G, "1 while a policy is switched off by hand; `all` stands for every one.",
        ("policy",),
    ),
    Instrument("gateway_accounts", _G, "Accounts known, by standing.", ("standing",)),
    Instrument("gateway_connections_open", _G, "Open connections on the data listener."),
    Instrument("gateway_hot_lane", _G, "1 while plain requests are served by the gateway's own lane."),
    Instrument("gateway_hot_lane_handovers_total", _C, "Connections that the hot lane gave to aiohttp's server."),
    Instrument("gateway_requests_in_flight", _G, "Requests being served."),
    Instrument("gateway_inflight_body_bytes", _G, "Request body bytes held in memory."),
    Instrument("gateway_client_disconnects_total", _C, "Callers that left before their answer was whole.", ("phase",)),
    Instrument("gateway_retries_observed_total", _C, "Requests that the caller's SDK marked as a retry."),
    Instrument("gateway_decision_log_dropped_total", _C, "Decision records that a full or broken sink lost."),
    Instrument(
        "gateway_signal_requests_total", _C, "Answered generating requests, by whether a signal was present.",
        ("signal", "tier", "present"), cap=210, coarse="tier",
    ),
    Instrument(
        "gateway_output_input_ratio", _H, "Output tokens by input tokens of an answered generating request.",
        ("tier",), OUT_PER_IN, cap=8,
    ),
    Instrument(
        "gateway_key_networks", _H, "Client networks lately seen with the request's key.", (), SPREAD,
    ),
    Instrument(
        "gateway_key_clients", _H, "Client programs lately seen with the request's key.", (), SPREAD,
    ),
    Instrument("gateway_detector_accounts", _G, "Accounts that the detectors keep a sketch of."),
    Instrument("gateway_detector_dropped_total", _C, "Requests the detectors did not look at, their queue being full."),
    Instrument("gateway_detector_duration_seconds", _H, "Time the detectors took for one request.", (), SHORT_S),
    Instrument(
        "gateway_account_requests_total", _C, "Requests of the busiest accounts; only where this is switched on.",
        ("account",), cap=101,
    ),
    Instrument(
        "gateway_account_tokens_total", _C, "Tokens of the busiest accounts; only where this is switched on.",
        ("account", "direction"), cap=202,
    ),
    Instrument(
        "gateway_watermark_answers_total", _C, "Answers that a policy wants marked, by what came of it and why.",
        ("result", "why"), cap=24,
    ),
    Instrument(
        "gateway_watermark_pairs_total", _C, "Pairs in marked answers, by whether they lean to the favoured word.",
        ("route", "side"), cap=9, coarse="route",
    ),
    Instrument("gateway_watermark_probe_ok", _G, "1 while the last self-test of the mark went well.", ("upstream",)),
    Instrument(
        "gateway_registry_answers_total", _C,
        "Fingerprints of answers and notes of marked accounts, by what came of them.", ("result",),
    ),
    Instrument("gateway_receipts_issued_total", _C, "Receipts that were signed."),
    Instrument(
        "gateway_receipts_dropped_total", _C, "Receipts that are missing: not signed for want of an epoch, or not kept."
    ),
    Instrument("gateway_build_info", _G, "The running version and build; always 1.", ("version", "compiled")),
    Instrument("gateway_event_loop_lag_seconds", _G, "How late the event loop ran its last timer."),
)  # fmt: skip

BY_NAME: Final = {instrument.name: instrument for instrument in METRICS}
