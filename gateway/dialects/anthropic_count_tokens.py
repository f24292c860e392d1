"""POST /v1/messages/count_tokens: costs one request and no tokens."""

from typing import Any

from gateway.core.ask import Ask
from gateway.core.jsonio import dumps
from gateway.core.refusal import Refusal
from gateway.core.usage import Usage
from gateway.dialects.anthropic_family import AnthropicFamily
from gateway.dialects.anthropic_messages import check_conversation, read_conversation
from gateway.dialects.base import Family, Rewrite, StreamMeter
from gateway.dialects.reading import FieldReader
from gateway.dialects.unstreamed import Unstreamed


class AnthropicCountTokens:
    """The size of a conversation, without an answer to it."""

    name = "count_tokens"
    path = "/v1/messages/count_tokens"

    def __init__(self, family: Family | None = None) -> None:
        self.family: Family = family or AnthropicFamily()

    def read(self, body: dict[str, Any]) -> Ask | Refusal:
        reader = FieldReader(body)
        ask = read_conversation(reader, body)
        return reader.refusal or ask

    def check_fields(self, ask: Ask, kind: str, *, pass_unknown: bool = False) -> Refusal | None:
        return check_conversation(ask.body, self.name, kind, pass_unknown=pass_unknown)

    def rewrite(self, ask: Ask, rewrite: Rewrite, kind: str) -> bytes:  # noqa: ARG002 - the same for every kind
        return dumps({**ask.body, "model": rewrite.model})

    def usage(self, body: bytes) -> Usage | None:  # noqa: ARG002 - counting uses nothing
        return None

    def output_bytes(self, body: bytes) -> int:  # noqa: ARG002 - and writes nothing
        return 0

    def meter(self, *, strip_usage: bool) -> StreamMeter:  # noqa: ARG002 - there are no streams
        return Unstreamed()
