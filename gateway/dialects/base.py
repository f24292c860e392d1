"""What a wire format must be able to do. Bytes and documents in, bytes and facts out; no I/O."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.core.ask import Ask
from gateway.core.refusal import Refusal
from gateway.core.usage import Usage
from gateway.dialects.output import OutputReader
from gateway.dialects.parameters import Parameters
from gateway.dialects.reduction import Reduction
from gateway.dialects.texts import Texts

Headers = list[tuple[str, str]]


@dataclass(slots=True, init=False)
class LimitAdvice:
    """One limit family as rate-limit headers show it (see the two families for names).

    `family` is "requests", "tokens", "input-tokens" or "output-tokens"; `reset_ms` is a duration from now.
    """

    family: str
    limit: int
    remaining: int
    reset_ms: int

    # Written out, as Exchange is.
    def __init__(
        self,
        family: str,
        limit: int,
        remaining: int,
        reset_ms: int,
    ) -> None:
        self.family = family
        self.limit = limit
        self.remaining = remaining
        self.reset_ms = reset_ms


@dataclass(slots=True, init=False)
class WireRefusal:
    """A refusal in one family's words: ready to write."""

    status: int
    headers: Headers
    body: bytes

    # Written out, as Exchange is.
    def __init__(
        self,
        status: int,
        headers: Headers,
        body: bytes,
    ) -> None:
        self.status = status
        self.headers = headers
        self.body = body


class Family(Protocol):
    """What all dialects of one provider's API share: errors and advice headers."""

    name: str

    def refuse(self, refusal: Refusal, request_id: str) -> WireRefusal:
        """Status, retry headers (retry-after, retry-after-ms, x-should-retry) and JSON body."""
        ...

    def stream_error(self, refusal: Refusal, request_id: str) -> bytes:
        """The event that ends a stream that has already begun with an error."""
        ...

    def advice(self, limits: Sequence[LimitAdvice], now_ms: int) -> Headers:
        """Rate-limit headers; sent on success too. Values are such that obeying them always succeeds."""
        ...


@dataclass(frozen=True, slots=True)
class Bias:
    """`logit_bias` as it goes upstream: what is left of the caller's entries, and the gateway's own, ready to send."""

    callers: Mapping[str, Any]
    own: bytes = field(repr=False)
    """A JSON object with one entry or more, none of which is among the caller's."""


@dataclass(slots=True, init=False)
class Rewrite:
    """What the gateway decided about the bytes that go upstream.

    `output_cap` replaces or injects the caller's cap (tokens); None leaves the field as it is.
    `ask_stream_usage` adds the family's own option for usage in streams. `pseudonym` replaces the fields that
    name the caller's end user; `cache_partition` fills the upstream's cache-isolation field (org pseudonym).
    """

    model: str
    output_cap: int | None
    ask_stream_usage: bool
    pseudonym: str | None
    cache_partition: str | None
    bias: Bias | None
    """The mark of the answer; None sends the caller's field as it is."""

    # Written out, as Exchange is.
    def __init__(
        self,
        model: str,
        *,
        output_cap: int | None = None,
        ask_stream_usage: bool = False,
        pseudonym: str | None = None,
        cache_partition: str | None = None,
        bias: Bias | None = None,
    ) -> None:
        self.model = model
        self.output_cap = output_cap
        self.ask_stream_usage = ask_stream_usage
        self.pseudonym = pseudonym
        self.cache_partition = cache_partition
        self.bias = bias


class StreamMeter(Protocol):
    """Watches one stream.

    `feed` returns what to forward now: whole events only, so that whatever follows stands on its own; an incomplete
    one waits for its end, which no client can notice. `usage` is what the upstream reported so far, merged; None
    before it said anything, and `usage.estimated` while the final output count is still to come. `delta_events` and
    `text_bytes` count model-authored output seen, for streams that end without usage. `finished` is true once the
    dialect's own ending was seen; `failed` once the upstream sent an error event, which is not forwarded: `error`
    holds its data.
    """

    usage: Usage | None
    delta_events: int
    text_bytes: int
    finished: bool
    failed: bool
    error: bytes

    def feed(self, chunk: bytes) -> bytes:
        """Raises StreamBroken when one event grows over the cap."""
        ...

    def flush(self) -> bytes:
        """The upstream closed: whatever was held back."""
        ...

    def end_for_budget(self) -> bytes:
        """The dialect's own ending for "out of tokens" (finish_reason length, stop_reason max_tokens)."""
        ...


class StreamBroken(ValueError):  # noqa: N818 - named for what happened to the stream
    """The upstream's stream cannot be followed any further."""


class Dialect(Protocol):
    """One wire format on one route."""

    name: str
    path: str
    family: Family

    def read(self, body: dict[str, Any]) -> Ask | Refusal:
        """Type-check what decisions and costs depend on; never more of the body than that."""
        ...

    def check_fields(self, ask: Ask, kind: str, *, pass_unknown: bool = False) -> Refusal | None:
        """Apply the field table of an upstream kind: refuse what may not reach it.

        `pass_unknown` lets fields pass that no table lists; only openai and azure upstreams heed it.
        """
        ...

    def texts(self, body: dict[str, Any]) -> Texts:
        """All text of a body that `read` accepted; reads all of it, so it is called only where a rule looks at text."""
        ...

    def parameters(self, ask: Ask) -> Parameters:
        """How the answer is asked for; called only where a rule looks at that."""
        ...

    def reduce(self, ask: Ask, reduction: Reduction, kinds: Collection[str]) -> tuple[str, ...] | Refusal:
        """Change `ask` so that it asks for less, whichever of these upstream kinds serves it.

        The names of the fields that changed, none where the caller asked for no more anyway; or a refusal, and `ask` as
        it was, where one of the kinds cannot be asked for so little.
        """
        ...

    def rewrite(self, ask: Ask, rewrite: Rewrite, kind: str) -> bytes:
        """The canonical bytes to send. Does not change `ask`: it may be rewritten again for another upstream."""
        ...

    def usage(self, body: bytes) -> Usage | None:
        """Usage of a complete response body; None when it reports none. Absent, null and zero differ."""
        ...

    def output_bytes(self, body: bytes) -> int:
        """UTF-8 bytes of model-authored text in a complete response body, at most its own."""
        ...

    def output_texts(self) -> OutputReader | None:
        """A fresh reader of what the model writes in one answer; None where it writes nothing."""
        ...

    def meter(self, *, strip_usage: bool) -> StreamMeter:
        """A fresh meter. `strip_usage`: the gateway asked for usage and the caller did not."""
        ...
