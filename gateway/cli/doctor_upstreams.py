"""Whether each upstream answers: connection, TLS and credential, by asking for its models. Never an inference call."""

import http.client
import ssl
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

from gateway.cli.doctor_checks import Line
from gateway.config import SecretMissing, Settings, UpstreamEntry, upstream_key
from gateway.core.clock import Clock

_MAX_SKEW_S: Final = 60
_NOT_JSON: Final = -200
_ANTHROPIC: Final = frozenset({"messages", "count_tokens"})


def upstreams(settings: Settings, env: Mapping[str, str], clock: Clock) -> Iterator[Line]:
    """One line for each upstream, and one more where its clock and ours differ."""
    for name, upstream in settings.upstreams.items():
        title = f"upstream {name}"
        try:
            status, date = _ask(upstream, upstream_key(name, upstream, env))
        except SecretMissing as error:
            yield Line("fail", title, str(error), "provide the credential")
            continue
        except ssl.SSLCertVerificationError as error:
            message = f"its certificate is not trusted: {error.verify_message}"
            yield Line("fail", title, message, f"set upstreams.{name}.ca_file")
            continue
        except (OSError, http.client.HTTPException) as error:
            yield Line("fail", title, _why(error, upstream), f"start it, or correct upstreams.{name}.base_url")
            continue
        yield _judge(title, name, status)
        yield from _skew(title, date, clock)


def _why(error: OSError | http.client.HTTPException, upstream: UpstreamEntry) -> str:
    if isinstance(error, TimeoutError):
        return f"gives no answer within connect_s ({upstream.connect_s:g} s)"
    if isinstance(error, ConnectionResetError | http.client.HTTPException):
        return "takes connections, but does not answer in HTTP"
    if isinstance(error, ssl.SSLError):
        return "takes connections, but does not answer in TLS: http:// instead of https://?"
    return f"cannot be reached: {error.strerror or type(error).__name__}"


def _ask(upstream: UpstreamEntry, key: str) -> tuple[int, str | None]:
    """Status and Date of GET /v1/models. No redirects, no proxies from the environment."""
    parts = urlsplit(upstream.base_url)
    path = parts.path.rstrip("/").removesuffix("/v1") + "/v1/models"
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context(cafile=upstream.ca_file)
        if upstream.client_cert_file is not None:
            context.load_cert_chain(upstream.client_cert_file, upstream.client_key_file)
        connection = http.client.HTTPSConnection(
            parts.hostname or "", parts.port, timeout=upstream.connect_s, context=context
        )
    else:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=upstream.connect_s)
    try:
        connection.request("GET", path, headers=_headers(upstream, key))
        response = connection.getresponse()
        is_json = "json" in (response.headers.get("content-type") or "json")
        status = _NOT_JSON if response.status == 200 and not is_json else response.status
        return status, response.headers.get("date")
    finally:
        connection.close()


def _headers(upstream: UpstreamEntry, key: str) -> dict[str, str]:
    anthropic = set(upstream.dialects) <= _ANTHROPIC
    headers = {"accept": "application/json"}
    if anthropic:
        headers["anthropic-version"] = "2023-06-01"
    if not key:
        return headers
    auth = upstream.auth or ("x-api-key" if anthropic else "bearer")
    if auth == "bearer":
        return headers | {"authorization": f"Bearer {key}"}
    return headers | {auth: key}


def _judge(title: str, name: str, status: int) -> Line:
    if status == _NOT_JSON:
        message = "answers 200 with something that is not JSON: a web page?"
        return Line("fail", title, message, f"correct upstreams.{name}.base_url")
    if status == 200:
        return Line("ok", title, "answers, and accepts the credential")
    if status in (401, 403):
        return Line("fail", title, f"refuses the credential ({status})", f"correct the key of upstreams.{name}")
    if 300 <= status < 400:
        message = f"redirects ({status}), which is never followed"
        return Line("fail", title, message, f"set upstreams.{name}.base_url to where it points; https:// perhaps")
    if status in (404, 405):
        return Line("warn", title, f"answers, but lists no models ({status})", "check base_url if requests fail")
    return Line("warn", title, f"answers with {status}", "look at the upstream's own log")


def _skew(title: str, date: str | None, clock: Clock) -> Iterator[Line]:
    try:
        theirs = parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return
    skew = abs(clock.now_ms() / 1000 - theirs)
    if skew > _MAX_SKEW_S:
        yield Line("warn", f"{title} clock", f"differs from ours by {skew:.0f} s", "run a time service on both")
