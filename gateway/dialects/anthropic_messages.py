"""POST /v1/messages."""

from collections.abc import Collection
from typing import Any, Final

from gateway.core.ask import Ask
from gateway.core.jsonio import dumps_read
from gateway.core.refusal import Refusal
from gateway.core.usage import Usage
from gateway.dialects import reasoning, rewriting, text_fields
from gateway.dialects.anthropic_family import AnthropicFamily
from gateway.dialects.anthropic_stream import KEYS, MessagesMeter
from gateway.dialects.base import Family, Rewrite, StreamMeter
from gateway.dialects.content import Weight
from gateway.dialects.fields import check_table
from gateway.dialects.output import OutputReader
from gateway.dialects.output_messages import MessagesReader
from gateway.dialects.parameters import ParameterReader, Parameters, media
from gateway.dialects.reading import FieldReader
from gateway.dialects.reduction import Reduction, reduce_ask
from gateway.dialects.references import check_anthropic_tools, check_parts
from gateway.dialects.scan import texts
from gateway.dialects.texts import Texts, read_texts
from gateway.dialects.usage_fields import AnthropicCounts, inner, parse_object

_DOCUMENTS: Final = frozenset({"tools", "output_format", "output_config"})


class AnthropicMessages:
    """Messages: a conversation in, content blocks out. The output cap is required by the API."""

    name = "messages"
    path = "/v1/messages"

    def __init__(self, family: Family | None = None) -> None:
        self.family: Family = family or AnthropicFamily()

    def read(self, body: dict[str, Any]) -> Ask | Refusal:
        reader = FieldReader(body)
        ask = read_conversation(reader, body)
        ask.stream = reader.flag("stream")
        ask.output_cap = reader.tokens("max_tokens")
        ask.logprobs = reader.logprob_count("n_probs")
        ask.wants_stream_usage = True
        reader.objects("metadata")
        if ask.output_cap is None:
            reader.fail("max_tokens", "an integer of at least 1")
        return reader.refusal or ask

    def check_fields(self, ask: Ask, kind: str, *, pass_unknown: bool = False) -> Refusal | None:
        return check_conversation(ask, self.name, kind, pass_unknown=pass_unknown)

    def texts(self, body: dict[str, Any]) -> Texts:
        return read_texts(body, text_fields.MESSAGES)

    def parameters(self, ask: Ask) -> Parameters:
        return conversation_parameters(ask)

    def reduce(self, ask: Ask, reduction: Reduction, kinds: Collection[str]) -> tuple[str, ...] | Refusal:
        return reduce_ask(ask, reduction, kinds, self.name, reasoning.of_messages)

    def rewrite(self, ask: Ask, rewrite: Rewrite, kind: str) -> bytes:
        copy = rewriting.model(ask, rewrite, kind)
        if rewrite.output_cap is not None:
            copy["max_tokens"] = rewrite.output_cap
        metadata = copy.get("metadata")
        if metadata is not None and metadata.get("user_id") is not None:
            copy["metadata"] = {**metadata, "user_id": rewrite.pseudonym}
            if rewrite.pseudonym is None:
                del copy["metadata"]["user_id"]
        return dumps_read(copy)

    def usage(self, body: bytes) -> Usage | None:
        counts = AnthropicCounts()
        counts.final = True
        # Parsed, not scanned: a tool call's input is an object whose keys the model chose, "usage" among them.
        counts.merge(inner(parse_object(body), "usage"))
        return counts.usage()

    def output_bytes(self, body: bytes) -> int:
        document = parse_object(body)
        if document is None:
            return len(body)
        total = 0
        content = document.get("content")
        for block in content if type(content) is list else []:
            if inner(block, "type") == "tool_use":
                total += len(dumps_read(block.get("input")))
            else:
                total += texts(block, KEYS)[1]
        return total

    def output_texts(self) -> OutputReader:
        return MessagesReader()

    def meter(self, *, strip_usage: bool) -> StreamMeter:  # noqa: ARG002 - usage is always part of these streams
        return MessagesMeter()


def read_conversation(reader: FieldReader, body: dict[str, Any]) -> Ask:
    """What messages and count_tokens have in common."""
    talk = reader.messages()
    ask = Ask(body, reader.model(), False, 0, tools=bool(reader.items("tools")))
    system = body.get("system")
    if system is not None and type(system) not in (str, list):
        reader.fail("system", "a string or a list of blocks")
    reader.objects("thinking", "output_config")
    weight = Weight()
    weight.messages(talk)
    weight.content(system)
    if not _DOCUMENTS.isdisjoint(body):
        weight.tools(ask)
        weight.document(body.get("output_format") or inner(body, "output_config", "format"))
    ask.prompt_bytes, ask.media_items, ask.others = weight.text_bytes, weight.media_items, talk.others
    ask.user_turns, ask.last_user_text = talk.user_turns, talk.last_user_text
    return ask


def conversation_parameters(ask: Ask) -> Parameters:
    """How both ask to be answered."""
    reader = ParameterReader(ask.body)
    images, others = media(ask.others)
    return Parameters(
        temperature=reader.number("temperature"),
        top_p=reader.number("top_p"),
        seed=reader.present("seed"),
        stop=reader.length("stop_sequences"),
        tools=reader.length("tools"),
        tool_choice=reader.choice(),
        response_format=reader.format("output_format", "output_config.format"),
        messages=len(ask.body["messages"]),
        images=images,
        media=others,
        reasoning=reader.thinking(),
        stream=ask.stream,
        top_logprobs=reader.most("n_probs"),
        odd=reader.odd,
    )


def check_conversation(ask: Ask, name: str, kind: str, *, pass_unknown: bool) -> Refusal | None:
    """Fields, tools and references of both."""
    body = ask.body
    system = body.get("system")
    return (
        check_table(body, name, kind, pass_unknown=pass_unknown)
        or check_anthropic_tools(body.get("tools"))
        or check_parts(ask.others, "messages", kind)
        or (check_parts(enumerate(system), "system", kind) if type(system) is list else None)
    )
