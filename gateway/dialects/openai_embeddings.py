"""POST /v1/embeddings: input only, nothing is generated."""

from collections.abc import Collection
from typing import Any

from gateway.core.ask import Ask
from gateway.core.jsonio import dumps_read
from gateway.core.refusal import Refusal
from gateway.core.usage import Usage
from gateway.dialects import reasoning, rewriting, text_fields
from gateway.dialects.base import Family, Rewrite, StreamMeter
from gateway.dialects.content import Weight
from gateway.dialects.fields import check_table
from gateway.dialects.openai_completions import prompt_count
from gateway.dialects.openai_family import OpenAIFamily
from gateway.dialects.parameters import Parameters
from gateway.dialects.reading import FieldReader
from gateway.dialects.reduction import Reduction, reduce_ask
from gateway.dialects.scan import usage_object
from gateway.dialects.texts import Texts, read_texts
from gateway.dialects.unstreamed import Unstreamed
from gateway.dialects.usage_fields import openai_usage


class OpenAIEmbeddings:
    """Embeddings: texts or token ids in, vectors out."""

    name = "embeddings"
    path = "/v1/embeddings"

    def __init__(self, family: Family | None = None) -> None:
        self.family: Family = family or OpenAIFamily()

    def read(self, body: dict[str, Any]) -> Ask | Refusal:
        reader = FieldReader(body)
        prompt_count(reader, body.get("input"), "input")
        ask = Ask(body=body, model=reader.model(), stream=False, prompt_bytes=0)
        reader.strings("user")
        if reader.refusal is not None:
            return reader.refusal
        weight = Weight()
        weight.content(body["input"])
        ask.prompt_bytes = weight.text_bytes
        return ask

    def check_fields(self, ask: Ask, kind: str, *, pass_unknown: bool = False) -> Refusal | None:
        return check_table(ask.body, self.name, kind, pass_unknown=pass_unknown)

    def texts(self, body: dict[str, Any]) -> Texts:
        return read_texts(body, text_fields.EMBEDDINGS)

    def parameters(self, ask: Ask) -> Parameters:
        given = ask.body["input"]
        several = type(given) is list and type(given[0]) is not int
        return Parameters(messages=len(given) if several else 1)

    def reduce(self, ask: Ask, reduction: Reduction, kinds: Collection[str]) -> tuple[str, ...] | Refusal:
        return reduce_ask(ask, reduction, kinds, self.name, reasoning.nothing)

    def rewrite(self, ask: Ask, rewrite: Rewrite, kind: str) -> bytes:
        return dumps_read(rewriting.begin(ask, rewrite, kind))

    def usage(self, body: bytes) -> Usage | None:
        return openai_usage(usage_object(body))

    def output_bytes(self, body: bytes) -> int:  # noqa: ARG002 - vectors are no text
        return 0

    def output_texts(self) -> None:
        return None

    def meter(self, *, strip_usage: bool) -> StreamMeter:  # noqa: ARG002 - there are no streams
        return Unstreamed()
