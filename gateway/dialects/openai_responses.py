"""POST /v1/responses, served stateless: nothing is stored, nothing stored is reached."""

from collections.abc import Collection
from typing import Any, Final

from gateway.core.ask import Ask
from gateway.core.jsonio import dumps_read
from gateway.core.refusal import Refusal
from gateway.core.usage import Usage
from gateway.dialects import reasoning, rewriting, text_fields
from gateway.dialects.base import Family, Rewrite, StreamMeter
from gateway.dialects.content import Weight
from gateway.dialects.fields import check_table, unsupported
from gateway.dialects.openai_family import OpenAIFamily
from gateway.dialects.output import OutputReader
from gateway.dialects.output_responses import ResponsesReader
from gateway.dialects.parameters import ParameterReader, Parameters, media
from gateway.dialects.plain import SILENCE, Talk, talk
from gateway.dialects.reading import FieldReader
from gateway.dialects.reduction import Reduction, reduce_ask
from gateway.dialects.references import check_openai_tools, check_parts
from gateway.dialects.responses_stream import ResponsesMeter
from gateway.dialects.scan import finder, string_pieces
from gateway.dialects.texts import Texts, read_texts
from gateway.dialects.usage_fields import inner, parse_object, responses_usage

_STRINGS: Final = finder("text", "refusal", "arguments", "input", "code")
_LOGPROBS: Final = "message.output_text.logprobs"


class OpenAIResponses:
    """Responses: input items in, output items out."""

    name = "responses"
    path = "/v1/responses"

    def __init__(self, family: Family | None = None) -> None:
        self.family: Family = family or OpenAIFamily()

    def read(self, body: dict[str, Any]) -> Ask | Refusal:
        reader = FieldReader(body)
        given: Any = body.get("input")
        said = _said(reader, given)
        include = body.get("include")
        if include is not None and type(include) is not list:
            reader.fail("include", "a list of strings")
        asked = [
            reader.logprob_count("top_logprobs"),
            reader.logprob_count("prompt_logprobs"),
            reader.logprob_count("n_probs"),
            type(include) is list and _LOGPROBS in include,
        ]
        ask = Ask(
            body=body,
            model=reader.model(),
            stream=reader.flag("stream"),
            prompt_bytes=0,
            output_cap=reader.tokens("max_output_tokens"),
            logprobs=any(asked),
            tools=bool(reader.items("tools")),
            wants_stream_usage=True,
        )
        reader.flag("store")
        reader.flag("background")
        reader.strings("user", "safety_identifier", "instructions")
        reader.objects("text", "reasoning", "prompt_cache_options")
        if reader.refusal is not None:
            return reader.refusal
        weight = Weight()
        weight.messages(said)
        weight.content(body.get("instructions"))
        weight.tools(ask)
        weight.document(inner(body, "text", "format"))
        ask.prompt_bytes, ask.media_items, ask.others = weight.text_bytes, weight.media_items, said.others
        ask.user_turns, ask.last_user_text = said.user_turns, said.last_user_text
        return ask

    def check_fields(self, ask: Ask, kind: str, *, pass_unknown: bool = False) -> Refusal | None:
        body = ask.body
        refusal = check_table(body, self.name, kind, pass_unknown=pass_unknown) or check_openai_tools(body.get("tools"))
        if refusal is None and inner(body, "prompt_cache_options", "comparison_response_id") is not None:
            where = "prompt_cache_options.comparison_response_id"
            refusal = unsupported(where, "is not supported: requests are served without stored state.")
        if refusal is None and ask.others:
            refusal = check_parts(ask.others, "input", kind)
            for index, item in ask.others:
                refusal = refusal or check_openai_tools(item.get("tools"), f"input.{index}.tools")
        return refusal

    def texts(self, body: dict[str, Any]) -> Texts:
        return read_texts(body, text_fields.RESPONSES)

    def parameters(self, ask: Ask) -> Parameters:
        reader = ParameterReader(ask.body)
        given = ask.body["input"]
        images, others = media(ask.others)
        return Parameters(
            temperature=reader.number("temperature"),
            top_p=reader.number("top_p"),
            seed=reader.present("seed"),
            stop=reader.length("stop"),
            tools=reader.length("tools"),
            tool_choice=reader.choice(),
            response_format=reader.format("text.format"),
            messages=len(given) if type(given) is list else 1,
            images=images,
            media=others,
            reasoning=reader.effort("reasoning.effort"),
            stream=ask.stream,
            top_logprobs=reader.most("top_logprobs", "prompt_logprobs", "n_probs"),
            odd=reader.odd,
        )

    def reduce(self, ask: Ask, reduction: Reduction, kinds: Collection[str]) -> tuple[str, ...] | Refusal:
        return reduce_ask(ask, reduction, kinds, self.name, reasoning.of_responses)

    def rewrite(self, ask: Ask, rewrite: Rewrite, kind: str) -> bytes:
        copy = rewriting.begin(ask, rewrite, kind)
        copy["store"] = False
        rewriting.cap(copy, rewrite.output_cap, "max_output_tokens")
        rewriting.partition_cache(copy, rewrite, kind)
        return dumps_read(copy)

    def usage(self, body: bytes) -> Usage | None:
        # Parsed, not scanned: tools and schemas come back with keys that the caller chose, "usage" among them.
        return responses_usage(inner(parse_object(body), "usage"))

    def output_bytes(self, body: bytes) -> int:
        return string_pieces(body, _STRINGS)

    def output_texts(self) -> OutputReader:
        return ResponsesReader()

    def meter(self, *, strip_usage: bool) -> StreamMeter:  # noqa: ARG002 - usage is always part of these streams
        return ResponsesMeter()


def _said(reader: FieldReader, given: Any) -> Talk:
    """A text is a user's only turn."""
    if type(given) is str:
        return Talk(len(given.encode()), 1, given, [])
    said = talk(given)
    if said is not None:
        return said
    if type(given) is list and given:
        reader.items("input")  # some item is no object
    else:
        reader.fail("input", "a string or a list of at least one item")
    return SILENCE
