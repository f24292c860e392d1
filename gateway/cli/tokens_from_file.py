"""Tokens from a `tokenizer.json`, read by the package `tokenizers`: an extra that only this file imports."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final

from gateway.cli.token_sources import BASE, Learned, TokensFailed, single_token

_MOST_BYTES: Final = 256 << 20
MISSING: Final = "the package tokenizers is not installed: pip install 'excise-gateway[watermark]'"


class FileTokens:
    """A tokenizer in a file."""

    def __init__(self, path: Path) -> None:
        """Raises TokensFailed."""
        try:
            from tokenizers import Tokenizer  # noqa: PLC0415 - an extra of this one verb
        except ImportError:
            raise TokensFailed(MISSING) from None
        try:
            if path.stat().st_size > _MOST_BYTES:
                raise TokensFailed(f"{path}: larger than {_MOST_BYTES >> 20} MiB")
            data = path.read_bytes()
        except OSError as error:
            raise TokensFailed(f"{path}: {error.strerror}") from None
        try:
            self._tokenizer = Tokenizer.from_buffer(data)
        except Exception:  # noqa: BLE001 - the package raises nothing narrower
            raise TokensFailed(f"{path}: expected a tokenizer.json") from None
        # Settings of the file that would cut or fill up what is encoded.
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self.name = f"tokenizer sha256:{sha256(data).hexdigest()}"
        self._base = self._encode(BASE)

    def tokens_of(self, words: Sequence[str], learned: Learned) -> None:
        for word in words:
            learned(word, single_token(self._base, self._encode(f"{BASE} {word}")))

    def text_of(self, tokens: Sequence[int]) -> str | None:
        return str(self._tokenizer.decode([*self._base, *tokens], skip_special_tokens=False))

    def _encode(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)
