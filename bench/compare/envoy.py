"""Envoy as a proxy with a local rate limit: one bucket for all, and one of the caller's key (a descriptor)."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from bench.process import child, wait_listening

_TYPES: Final = "type.googleapis.com/envoy.extensions.filters"
_ROOM: Final = 2_000_000_000
_CONNECTIONS: Final = 16_384


def config(listeners: dict[int, int], key: str, room: int = _ROOM) -> dict[str, Any]:
    """Listening port → upstream port. The bucket of `key` has `room` tokens and is filled once a minute."""
    return {
        "static_resources": {
            "listeners": [_listener(port, upstream, key, room) for port, upstream in listeners.items()],
            "clusters": [_cluster(upstream) for upstream in listeners.values()],
        },
    }


def _listener(port: int, upstream: int, key: str, room: int) -> dict[str, Any]:
    descriptor = {"request_headers": {"header_name": "authorization", "descriptor_key": "key"}}
    route = {
        "match": {"prefix": "/"},
        "route": {"cluster": f"to_{upstream}", "timeout": "0s", "rate_limits": [{"actions": [descriptor]}]},
    }
    manager = {
        "@type": f"{_TYPES}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [
            _rate_limit(key, room),
            _typed("envoy.filters.http.router", f"{_TYPES}.http.router.v3.Router"),
        ],
    }
    return {
        "address": _address(port),
        "tcp_backlog_size": 4096,
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
        ],
    }


def _rate_limit(key: str, room: int) -> dict[str, Any]:
    always = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    bucket = {"max_tokens": _ROOM, "tokens_per_fill": _ROOM, "fill_interval": "60s"}
    own = {"max_tokens": room, "tokens_per_fill": room, "fill_interval": "60s"}
    return _typed(
        "envoy.filters.http.local_ratelimit",
        f"{_TYPES}.http.local_ratelimit.v3.LocalRateLimit",
        stat_prefix="limit",
        token_bucket=bucket,
        filter_enabled=always,
        filter_enforced=always,
        descriptors=[{"entries": [{"key": "key", "value": f"Bearer {key}"}], "token_bucket": own}],
    )


def _cluster(upstream: int) -> dict[str, Any]:
    endpoint = {"endpoint": {"address": _address(upstream)}}
    most = dict.fromkeys(("max_connections", "max_pending_requests", "max_requests"), _CONNECTIONS)
    return {
        "name": f"to_{upstream}",
        "type": "STATIC",
        "connect_timeout": "5s",
        "circuit_breakers": {"thresholds": [most]},
        "load_assignment": {"cluster_name": f"to_{upstream}", "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


def _typed(name: str, kind: str, **settings: Any) -> dict[str, Any]:
    return {"name": name, "typed_config": {"@type": kind, **settings}}


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


@contextmanager
def envoy(
    program: Path, folder: Path, listeners: dict[int, int], key: str, where: set[int]
) -> Iterator[subprocess.Popen[bytes]]:
    """Listening while the block runs: one worker thread, no access log, no admin port."""
    folder.mkdir()
    path = folder / "envoy.json"
    path.write_text(json.dumps(config(listeners, key)))
    quiet = ["--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]
    log = folder / "log"
    with child([str(program), "-c", str(path), *quiet], where, log) as process:
        for port in listeners:
            wait_listening(process, log, port)
        yield process
