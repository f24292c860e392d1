"""Where the text of a request is, by dialect. A field that is missing here is read as a document: all of it is text."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from gateway.dialects.texts import Field

_SETTINGS: Final = """
    audio cache_control encoding_format include inference_geo logit_bias modalities moderation prompt_cache_key
    prompt_cache_options prompt_cache_retention reasoning_effort service_tier speed stream_options thinking truncation
    verbosity
"""


def _fields(replaced: str, **fields: Field) -> Mapping[str, Field]:
    settings = dict.fromkeys(_SETTINGS.split(), Field.SETTING)
    return MappingProxyType(settings | dict.fromkeys(replaced.split(), Field.REPLACED) | fields)


_END_USER: Final = "model user safety_identifier"

CHAT: Final = _fields(_END_USER, messages=Field.MESSAGES, prediction=Field.ASSISTANT)
COMPLETIONS: Final = _fields(_END_USER, prompt=Field.USER, suffix=Field.USER)
EMBEDDINGS: Final = _fields(_END_USER, input=Field.USER)
RESPONSES: Final = _fields(
    _END_USER, input=Field.MESSAGES, instructions=Field.SYSTEM, reasoning=Field.SETTING, store=Field.REPLACED
)
MESSAGES: Final = _fields("model", messages=Field.MESSAGES, system=Field.SYSTEM, metadata=Field.METADATA)
COUNT_TOKENS: Final = _fields("model", messages=Field.MESSAGES, system=Field.SYSTEM)
