"""Which strings in a message are no text: one plain word where a label stands, base64 where media stand. No others."""

from typing import Any, Final

MAX_WORD: Final = 64
"""Characters of a label. Longer ones count as text."""

_LABELS: Final = frozenset(
    {
        "type", "role", "id", "status", "mode", "phase", "detail", "format", "media_type", "ttl", "execution",
        "environment", "encoding",
    }
)  # fmt: skip
_OPAQUE: Final = frozenset(
    {
        "data", "file_data", "result", "signature", "encrypted_content", "encrypted_index", "encrypted_stdout",
        "image_embeds", "audio_embeds", "video_embeds",
    }
)  # fmt: skip
_URLS: Final = frozenset({"url", "image_url", "audio_url", "video_url", "file_url", "file_data"})
_WORD: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:/+"
_BASE64: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_"
_URL_HEAD: Final = 256


def no_text(value: str, key: str, kind: Any) -> bool:
    """Whether a string under this key of a part of this type says nothing to the model."""
    if (key in _LABELS or key.endswith("_id")) and is_word(value):
        return True
    if key in _OPAQUE and kind != "text" and is_base64(value):
        return True
    return key in _URLS and is_data_url(value)


def is_word(value: str) -> bool:
    """Whether it is one short word of ASCII letters, digits and joining marks: a label, no sentence."""
    return len(value) <= MAX_WORD and value.isascii() and not value.encode().translate(None, _WORD)


def is_base64(value: str) -> bool:
    return value.isascii() and not value.encode().translate(None, _BASE64)


def is_data_url(value: str) -> bool:
    """Whether it is a data URL whose data are base64; other data URLs are text as they stand."""
    comma = value.find(",", 0, _URL_HEAD)
    head = value[: max(0, comma)].lower()
    return head.startswith("data:") and head.endswith(";base64") and " " not in head and is_base64(value[comma + 1 :])
