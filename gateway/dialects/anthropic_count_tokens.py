"""POST /v1/messages/count_tokens: costs one request and no tokens."""

from collections.abc import Collection
from typing import Any

from gateway.core.ask import Ask
from gateway.core.jsonio import dumps_read
from gateway.core.refusal import Refusal
from gateway.core.usage import Usage
from gateway.dialects import reasoning, rewriting, text_fields
from gateway.dialects.anthropic_family import AnthropicFamily
from gateway.dialects.anthropic_messages import check_conversation, conversation_parameters, read_conversation
from gateway.dialects.base import Family, Rewrite, StreamMeter
from gateway.dialects.parameters import Parameters
from gateway.dialects.reading import FieldReader
from gateway.dialects.reduction import Reduction, reduce_ask
from gateway.dialects.texts import Texts, read_texts
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
        ask.user_turns, ask.last_user_text = 0, ""  # nothing is written for them
        return reader.refusal or ask

    def check_fields(self, ask: Ask, kind: str, *, pass_unknown: bool = False) -> Refusal | None:
        return check_conversation(ask, self.name, kind, pass_unknown=pass_unknown)

    def texts(self, body: dict[str, Any]) -> Texts:
        return read_texts(body, text_fields.COUNT_TOKENS)

    def parameters(self, ask: Ask) -> Parameters:
        return conversation_parameters(ask)

    def reduce(self, ask: Ask, reduction: Reduction, kinds: Collection[str]) -> tuple[str, ...] | Refusal:
        return reduce_ask(ask, reduction, kinds, self.name, reasoning.nothing)

    def rewrite(self, ask: Ask, rewrite: Rewrite, kind: str) -> bytes:
        return dumps_read(rewriting.model(ask, rewrite, kind))

    def usage(self, body: bytes) -> Usage | None:  # noqa: ARG002 - counting uses nothing
        return None

    def output_bytes(self, body: bytes) -> int:  # noqa: ARG002 - and writes nothing
        return 0

    def output_texts(self) -> None:
        return None

    def meter(self, *, strip_usage: bool) -> StreamMeter:  # noqa: ARG002 - there are no streams
        return Unstreamed()
