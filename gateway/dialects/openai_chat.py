"""POST /v1/chat/completions."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from gateway.core.ask import Ask
from gateway.core.refusal import Refusal
from gateway.core.usage import Usage
from gateway.dialects import reasoning, rewriting, text_fields
from gateway.dialects.base import Family, Rewrite, StreamMeter
from gateway.dialects.content import Weight
from gateway.dialects.fields import check_table
from gateway.dialects.openai_family import OpenAIFamily
from gateway.dialects.openai_stream import ChunkMeter
from gateway.dialects.output import OutputReader
from gateway.dialects.output_choices import ChoicesReader
from gateway.dialects.parameters import ParameterReader, Parameters, media
from gateway.dialects.reading import FieldReader
from gateway.dialects.reduction import Reduction, reduce_ask
from gateway.dialects.references import check_openai_tools, check_parts
from gateway.dialects.scan import finder, markers, string_pieces, usage_object
from gateway.dialects.texts import Texts, read_texts
from gateway.dialects.usage_fields import openai_usage

_TEXT: Final = ("content", "reasoning_content", "reasoning", "refusal", "arguments", "input", "transcript")
_STYLES: Final = markers(*_TEXT)
_STRINGS: Final = finder(*_TEXT)
# One of each for all streams: thousands are open at once.
_KEYS: Final = frozenset(_TEXT)
_LAST: Final[Mapping[str, Any]] = {"delta": {}}
_LOGPROBS: Final = frozenset({"logprobs", "echo", "top_logprobs", "prompt_logprobs", "n_probs"})
_RARE: Final = _LOGPROBS | {
    "n", "best_of", "tools", "functions", "stream_options", "user", "safety_identifier", "prediction",
    "response_format",
}  # fmt: skip
"""Fields that decisions depend on and most requests lack."""
_CHOOSING: Final = frozenset({
    "seed", "stop", "tools", "functions", "tool_choice", "response_format", "reasoning_effort", "top_logprobs",
    "prompt_logprobs", "n_probs",
})  # fmt: skip
"""The same of what rules look at beside the text."""


class OpenAIChat:
    """Chat completions: messages in, choices out."""

    name = "chat"
    path = "/v1/chat/completions"

    def __init__(self, family: Family | None = None) -> None:
        self.family: Family = family or OpenAIFamily()

    def read(self, body: dict[str, Any]) -> Ask | Refusal:
        reader = FieldReader(body)
        talk = reader.messages()
        cap, other = reader.tokens("max_tokens"), reader.tokens("max_completion_tokens")
        if cap is None or (other is not None and other < cap):
            cap = other
        ask = Ask(body, reader.model(), reader.flag("stream"), talk.text_bytes, output_cap=cap)
        rare = not _RARE.isdisjoint(body)
        if rare:
            ask.choices = max(reader.choices("n"), reader.choices("best_of"))
            ask.logprobs = not _LOGPROBS.isdisjoint(body) and _logprobs(reader)
            ask.tools = bool(reader.items("tools") or reader.items("functions"))
            ask.wants_stream_usage = reader.stream_usage()
            reader.strings("user", "safety_identifier")
        if reader.refusal is not None:
            return reader.refusal
        ask.user_turns, ask.last_user_text = talk.user_turns, talk.last_user_text
        if rare or talk.others:
            weight = Weight()
            weight.messages(talk)
            weight.content(body.get("prediction"))
            weight.tools(ask)
            for name in ("functions", "response_format"):
                weight.document(body.get(name))
            ask.prompt_bytes, ask.media_items, ask.others = weight.text_bytes, weight.media_items, talk.others
        return ask

    def check_fields(self, ask: Ask, kind: str, *, pass_unknown: bool = False) -> Refusal | None:
        body = ask.body
        refusal = check_table(body, self.name, kind, pass_unknown=pass_unknown)
        if refusal is None and "tools" in body:
            refusal = check_openai_tools(body["tools"])
        if refusal is None and ask.others:
            refusal = check_parts(ask.others, "messages", kind)
        return refusal

    def texts(self, body: dict[str, Any]) -> Texts:
        return read_texts(body, text_fields.CHAT)

    def parameters(self, ask: Ask) -> Parameters:
        reader = ParameterReader(ask.body)
        images, others = media(ask.others)
        temperature, top_p = reader.number("temperature"), reader.number("top_p")
        if _CHOOSING.isdisjoint(ask.body):
            return Parameters(
                temperature, top_p, messages=len(ask.body["messages"]), images=images, media=others, stream=ask.stream,
                odd=reader.odd,
            )  # fmt: skip
        return Parameters(
            temperature=temperature,
            top_p=top_p,
            seed=reader.present("seed"),
            stop=reader.length("stop"),
            tools=reader.length("tools", "functions"),
            tool_choice=reader.choice(),
            response_format=reader.format("response_format"),
            messages=len(ask.body["messages"]),
            images=images,
            media=others,
            reasoning=reader.effort("reasoning_effort"),
            stream=ask.stream,
            top_logprobs=reader.most("top_logprobs", "prompt_logprobs", "n_probs"),
            odd=reader.odd,
        )

    def reduce(self, ask: Ask, reduction: Reduction, kinds: Collection[str]) -> tuple[str, ...] | Refusal:
        return reduce_ask(ask, reduction, kinds, self.name, reasoning.of_chat)

    def rewrite(self, ask: Ask, rewrite: Rewrite, kind: str) -> bytes:
        copy = rewriting.begin(ask, rewrite, kind)
        rewriting.cap_chat(copy, rewrite.output_cap, kind)
        rewriting.ask_usage(copy, rewrite)
        rewriting.partition_cache(copy, rewrite, kind)
        return rewriting.written(copy, rewrite)

    def usage(self, body: bytes) -> Usage | None:
        return openai_usage(usage_object(body))

    def output_bytes(self, body: bytes) -> int:
        return string_pieces(body, _STRINGS)

    def output_texts(self) -> OutputReader:
        return ChoicesReader()

    def meter(self, *, strip_usage: bool) -> StreamMeter:
        return ChunkMeter(_STYLES, _KEYS, _LAST, strip=strip_usage)


def _logprobs(reader: FieldReader) -> bool:
    asked = [
        reader.flag("logprobs"),
        reader.flag("echo"),
        reader.logprob_count("top_logprobs"),
        reader.logprob_count("prompt_logprobs"),
        reader.logprob_count("n_probs"),
    ]
    return any(asked)
