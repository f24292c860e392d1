"""One upstream while the gateway runs: what was configured, its connections, its health, its load."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from gateway.upstreams.base import Call, Transport
from gateway.upstreams.breaker import Breaker
from gateway.upstreams.forwarded import Attempt
from gateway.upstreams.headers import request_headers, request_template
from gateway.upstreams.pick import Candidate
from gateway.upstreams.scrub import REMOVED
from gateway.upstreams.settings import UpstreamSettings


class Upstream:
    """What `make_call` gets: `settings` says the kind and the options, `call` makes the Call."""

    def __init__(self, settings: UpstreamSettings, transport: Transport, breaker: Breaker) -> None:
        self.settings: Final = settings
        self.name: Final = settings.name
        self.transport: Final = transport
        self.breaker: Final = breaker
        self.outstanding = 0
        self._templates = {
            (dialect, stream): request_template(settings, dialect, stream=stream)
            for dialect in settings.dialects
            for stream in (False, True)
        }
        self.answered: Final = (Attempt(self.name, "answered"),)
        """The attempts of nearly every request."""
        self.limit: Final = settings.max_connections
        parts = urlsplit(settings.base_url)
        # Never shown to a caller, wherever the upstream repeats them.
        self.secrets: Final = {
            word: REMOVED for word in (settings.api_key, parts.netloc, parts.hostname or "") if len(word) > 3
        }

    def call(
        self, dialect: str, path: str, body: bytes, *, caller: Mapping[str, str], request_id: str, stream: bool
    ) -> Call:
        """A POST in one of the upstream's dialects. `caller` is the caller's head, of which an allowlist crosses."""
        template = self._templates[dialect, stream]
        return Call("POST", path, request_headers(template, caller, request_id), body, stream, template=template)

    @property
    def full(self) -> bool:
        """Whether every connection is in use: a request would only wait for one and look like a failure."""
        return self.outstanding >= self.limit

    def ready(self, now: float, model: str = "") -> bool:
        """Whether a request may be sent now."""
        return self.outstanding < self.limit and self.breaker.wait(now, model) == 0

    def candidate(self, now: float, model: str = "") -> Candidate:
        breaker = self.breaker
        wait = None if self.full else breaker.wait(now, model)
        return Candidate(self.name, self.outstanding, self.settings.weight, wait, suspect=breaker.suspect(now))
