"""The three listeners and who may use the admin one."""

from ipaddress import ip_network
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints

from gateway.config.paths import FilePath
from gateway.scalars import Name
from gateway.validate import Strict


def _bare_host(host: str) -> str:
    # One colon is host:port; an IPv6 address has two at least.
    if not host or any(mark in host for mark in " /[]") or host.count(":") == 1:
        raise ValueError("expected an address or name without port, scheme or brackets")
    return host


Host = Annotated[str, AfterValidator(_bare_host)]


def _cidr(text: str) -> str:
    try:
        network = ip_network(text)
    except ValueError:
        raise ValueError("expected a network like 10.0.0.0/8 or fd00::/8, without host bits") from None
    if network.prefixlen == 0:
        raise ValueError("expected the networks of your own proxies: this one is everybody's")
    return text


Cidr = Annotated[str, AfterValidator(_cidr)]
Port = Annotated[int, Field(ge=0, le=65535)]


class Tls(Strict):
    """A certificate and its key; read again when the files change."""

    cert_file: FilePath = Field(description="Certificate chain in PEM.")
    key_file: FilePath = Field(description="Private key in PEM.")


class DataListener(Strict):
    """Where callers connect."""

    host: Host = Field(default="127.0.0.1", description="Address to listen on; `0.0.0.0` or `::` for all.")
    port: Port = Field(default=8080, description="Port; 0 takes a free one.")
    tls: Tls | None = Field(
        default=None, description="Serve HTTPS. Absent: plain HTTP, for a proxy in front to terminate."
    )
    hot_lane: Literal["on", "off"] = Field(
        default="on",
        description="`on`: plain requests are served by the gateway's own HTTP code, everything else by aiohttp's"
        " server. `off`: that server serves all.",
    )
    trusted_proxies: tuple[Cidr, ...] = Field(
        default=(), description="Networks of proxies that are believed about who is behind them."
    )
    country_file: FilePath | None = Field(
        default=None, description="Which addresses are in which country: a file in MaxMind's DB format (.mmdb)."
    )


class OpsListener(Strict):
    """Health and metrics; may face the pod network."""

    host: Host = Field(default="127.0.0.1", description="Address of `/healthz`, `/readyz` and `/metrics`.")
    port: Port = Field(default=9091, description="Port; 0 takes a free one.")


class AdminListener(Strict):
    """The admin API; keep it on loopback or behind something that authenticates."""

    host: Host = Field(default="127.0.0.1", description="Address of the admin API.")
    port: Port = Field(default=9092, description="Port; 0 takes a free one.")
    allowed_hosts: tuple[str, ...] = Field(
        default=("127.0.0.1", "localhost", "[::1]"),
        description="Values of the Host header (without port) that are answered; keeps web pages from reaching it.",
    )


class AdminEntry(Strict):
    """A named operator; `gateway keys hash-admin` makes the token and this entry."""

    name: Name = Field(description="Who it is; stands in records of what was done.")
    role: Literal["read", "operate", "forensic"] = Field(
        default="read", description="read: look; operate: also reload and change; forensic: also see evidence."
    )
    token_sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = Field(
        repr=False, description="SHA-256 of the token, in hex."
    )
