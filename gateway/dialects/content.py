"""How much text the model reads, and how many images and sounds: what estimates are made from."""

from typing import Any, Final

from gateway.core.ask import Ask
from gateway.core.jsonio import dumps_read
from gateway.dialects.plain import Talk

TOKEN_ID_BYTES: Final = 4
"""What one token id in a prompt counts for: about the text of an average token."""

_MEDIA_KEYS: Final = frozenset(
    {
        "image_url", "audio_url", "video_url", "file_url", "input_audio", "file", "file_data", "image_embeds",
        "audio_embeds", "video_embeds",
    }
)  # fmt: skip
_NOT_TEXT: Final = frozenset({"type", "role", "cache_control", "status"})
_DOCUMENT_KEYS: Final = frozenset({"input", "parameters"})
NOT_MEDIA: Final = _NOT_TEXT | _DOCUMENT_KEYS
"""Keys under which nothing is media, whatever its own keys say."""
_TEXT_KEYS: Final = frozenset({"content", "text"})
_OPAQUE_SOURCES: Final = frozenset({"base64", "url", "file"})


class Weight:
    """A running count over the parts of one request."""

    __slots__ = ("media_items", "text_bytes")

    def __init__(self) -> None:
        self.text_bytes = 0
        self.media_items = 0

    def messages(self, talk: Talk) -> None:
        """A conversation, whose plain messages were weighed when it was read."""
        self.text_bytes += talk.text_bytes
        for _, message in talk.others:
            self.content(message)

    def text(self, value: str) -> None:
        self.text_bytes += len(value) if value.isascii() else len(value.encode())

    def document(self, value: Any) -> bytes:
        """Tool definitions and schemas: the model reads them as a document, so all of it counts. How it is written."""
        if value is None:
            return b""
        written = dumps_read(value)
        self.text_bytes += len(written)
        return written

    def tools(self, ask: Ask) -> None:
        """A body's definitions of tools, often most of it."""
        ask.tools_read = ask.body.get("tools")
        ask.tools_written = self.document(ask.tools_read)

    def content(self, value: Any) -> None:
        """Messages and their parts, to any depth (the body's depth is bounded).

        What is not known to be media counts as text: an unknown part is never free.
        """
        if type(value) is str:
            self.text(value)
        elif type(value) is list:
            for item in value:
                if type(item) is list and item and type(item[0]) is int:
                    self.text_bytes += TOKEN_ID_BYTES * len(item)
                elif type(item) is int:
                    self.text_bytes += TOKEN_ID_BYTES
                else:
                    self.content(item)
        elif type(value) is dict:
            self._part(value)

    def _part(self, part: dict[str, Any]) -> None:
        for key, value in part.items():
            if type(value) is str and key in _TEXT_KEYS:  # nearly all that a part holds
                self.text(value)
                continue
            if key in _NOT_TEXT or value is None:
                continue
            if key in _DOCUMENT_KEYS:
                self.document(value)
            elif is_media(key, value, part):
                self.media_items += 1
            else:
                self.content(value)


def is_media(key: str, value: Any, part: dict[str, Any]) -> bool:
    """Whether what stands under this key of a part is an image, a sound, a video or a file."""
    if key == "source":
        return type(value) is dict and str(value.get("type")) in _OPAQUE_SOURCES
    return key in _MEDIA_KEYS or (key == "result" and part.get("type") == "image_generation_call")
