"""Tokens from the model server itself: llama.cpp and vLLM each have `/tokenize`, in a form of their own.

No inference call is made. Whatever the server does, it is bounded: few questions at a time, seconds for each, minutes
for all, and small answers.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Final

from gateway.cli.token_sources import BASE, Learned, TokensFailed, single_token
from gateway.core.jsonio import JsonError, dumps, loads
from gateway.upstreams.aiohttp_transport import AiohttpTransport
from gateway.upstreams.base import Call, UpstreamFailed
from gateway.upstreams.headers import request_template
from gateway.upstreams.settings import Kind, Timeouts, UpstreamSettings

AT_ONCE: Final = 8
"""Questions under way at the same time."""
EACH_S: Final = 10.0
ALL_S: Final = 600.0
_MOST_BYTES: Final = 256 << 10
_MOST_TOKENS: Final = 64
"""Tokens of a word: what takes more is no answer to a word."""

_FORMS: Final[Mapping[Kind, tuple[Kind, ...]]] = {
    "llamacpp": ("llamacpp",),
    "vllm": ("vllm",),
    "generic": ("llamacpp", "vllm"),
}


class ServerTokens:
    """A model server. `each_s` and `all_s` bound a question and a round of questions, in seconds."""

    def __init__(self, settings: UpstreamSettings, model: str, *, each_s: float = EACH_S, all_s: float = ALL_S) -> None:
        """Raises TokensFailed for a kind of server that has no such question."""
        if settings.kind not in _FORMS:
            raise TokensFailed(f"a server of kind {settings.kind} cannot be asked for tokens: give --tokenizer")
        self.name = f"server {settings.root} {model}"
        self._settings = replace(
            settings,
            timeouts=Timeouts(min(5.0, each_s), each_s, each_s, each_s),
            max_response_bytes=_MOST_BYTES,
            max_stream_bytes=_MOST_BYTES,
            max_connections=AT_ONCE,
        )
        self._model = model
        self._all_s = all_s
        self._form: Kind | None = None
        self._base: list[int] = []

    def tokens_of(self, words: Sequence[str], learned: Learned) -> None:
        if words:
            asyncio.run(self._tokens_of(words, learned))

    def text_of(self, tokens: Sequence[int]) -> str | None:
        return asyncio.run(self._text_of(tokens))

    async def _tokens_of(self, words: Sequence[str], learned: Learned) -> None:
        rest = iter(words)

        async def ask(transport: AiohttpTransport) -> None:
            for word in rest:
                both = await self._tokenize(transport, f"{BASE} {word}")
                learned(word, single_token(self._base, both))

        async with self._open() as transport:
            await self._settle_form(transport)
            try:
                async with asyncio.TaskGroup() as group:
                    for _ in range(AT_ONCE):
                        group.create_task(ask(transport))
            except ExceptionGroup as failed:
                raise failed.exceptions[0] from None

    async def _text_of(self, tokens: Sequence[int]) -> str | None:
        async with self._open() as transport:
            await self._settle_form(transport)
            body: dict[str, Any] = {"tokens": [*self._base, *tokens]}
            if self._form == "vllm":
                body["model"] = self._model
            status, answer = await self._ask(transport, "/detokenize", body)
            text = answer.get("prompt" if self._form == "vllm" else "content") if isinstance(answer, dict) else None
            return text if status == 200 and isinstance(text, str) else None

    async def _settle_form(self, transport: AiohttpTransport) -> None:
        """Which form the server understands, and what the word before the word is."""
        if self._form is not None:
            return
        said = ""
        for form in _FORMS[self._settings.kind]:
            self._form = form
            try:
                self._base = await self._tokenize(transport, BASE)
            except TokensFailed as error:
                said = str(error)
                continue
            if self._base:
                return
            said = f"{self.name}: answers /tokenize with no token for {BASE!r}"
        self._form = None
        raise TokensFailed(said)

    async def _tokenize(self, transport: AiohttpTransport, text: str) -> list[int]:
        if self._form == "vllm":
            body: dict[str, Any] = {"model": self._model, "prompt": text, "add_special_tokens": False}
        else:
            body = {"content": text, "add_special": False}
        status, answer = await self._ask(transport, "/tokenize", body)
        if status != 200:
            raise TokensFailed(f"{self.name}: answers /tokenize with {status}")
        tokens = answer.get("tokens") if isinstance(answer, dict) else None
        if not isinstance(tokens, list) or not all(type(one) is int and 0 <= one < 1 << 31 for one in tokens):
            raise TokensFailed(f"{self.name}: answers /tokenize without a list of tokens")
        if len(tokens) > _MOST_TOKENS:
            raise TokensFailed(f"{self.name}: answers /tokenize with {len(tokens)} tokens for {text!r}")
        return tokens

    async def _ask(self, transport: AiohttpTransport, path: str, body: Mapping[str, Any]) -> tuple[int, Any]:
        headers = request_template(self._settings, "chat") | {"accept": "application/json"}
        try:
            answer = await transport.send(Call("POST", path, headers, dumps(body), stream=False))
            try:
                data = await answer.read()
            except BaseException:
                answer.abort()
                raise
            answer.finish()
        except UpstreamFailed as error:
            raise TokensFailed(f"{self.name}: {path}: {error}") from None
        try:
            return answer.status, loads(data)
        except JsonError:
            if answer.status != 200:
                return answer.status, None
            raise TokensFailed(f"{self.name}: answers {path} with something that is not JSON") from None

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[AiohttpTransport]:
        transport = AiohttpTransport(self._settings)
        try:
            async with asyncio.timeout(self._all_s):
                yield transport
        except TimeoutError:
            why = f"{self.name}: took longer than {self._all_s:g} s in all; its answers so far are kept: run it again"
            raise TokensFailed(why) from None
        finally:
            await transport.close()
