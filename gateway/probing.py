"""The self-test of the mark: asks every upstream that is sent marks whether they work, at the start and now and then.

What fails stays unmarked until a later test succeeds, and says so in a metric and the log. Callers' requests never
decide that: a caller that could provoke a failure could switch the mark off for all.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from gateway.catalogue import Catalogue
from gateway.core.clock import Clock
from gateway.core.ids import new_id
from gateway.core.jsonio import dumps
from gateway.core.model import CODE, Model
from gateway.dialects import DIALECTS
from gateway.dialects.base import Dialect
from gateway.marks import Marks
from gateway.observe.metrics import Metrics
from gateway.upstreams.base import UpstreamFailed
from gateway.upstreams.bridge import Bridge
from gateway.upstreams.upstream import Upstream
from gateway.watermarks.book import Current, MarkBook
from gateway.watermarks.probe import judge, questions, signs_of
from gateway.watermarks.scheme import PairScheme

Result = Literal["ok", "absent", "wrong", "rejected", "unreachable"]
REFRESH_S: Final = 60.0
"""How often new commitments are looked for."""
RETRY_S: Final = 300.0
"""How soon what failed is tested again: somebody may have repaired it."""
QUESTION_S: Final = 30.0
MOST_TOKENS: Final = 4
MOST_BYTES: Final = 1 << 18
"""Of an answer to a question. More would hold up the loop while it is read."""
_PROMPT: Final = "Say one word."
_REJECTED: Final = frozenset({400, 404, 413, 422})
_MODERN_CAP: Final = frozenset({"openai", "azure"})

log = logging.getLogger("gateway")


_Place = tuple[str, str]
"""An upstream's name, and its name of a model."""


@dataclass(frozen=True, slots=True)
class _Done:
    """The last test of a place."""

    epoch: str
    upstream: Upstream
    at: float
    result: Result

    def due(self, epoch: str, upstream: Upstream, now: float, every_s: float) -> bool:
        """Whether it is to be tested again: something is new, it failed a while ago, or the time has come."""
        if epoch != self.epoch or upstream is not self.upstream:
            return True
        age = now - self.at
        return (self.result != "ok" and age >= RETRY_S) or (every_s > 0 and age >= every_s)


class Prober:
    """Tests marks; one per process, run as a task."""

    def __init__(self, marks: Marks, book: MarkBook, metrics: Metrics, clock: Clock) -> None:
        self._marks = marks
        self._book = book
        self._metrics = metrics
        self._clock = clock
        self._said: set[str] = set()

    async def run(self, bridge: Callable[[], Bridge], catalogue: Callable[[], Catalogue], every_s: float) -> None:
        """Until cancelled. `every_s` 0: once, and again for an epoch or an upstream that is new."""
        done: dict[_Place, _Done] = {}
        while True:
            try:
                await self._round(bridge, catalogue, every_s, done)
            except Exception:
                # Without a next round no new epoch would ever be marked.
                log.exception("fault in the self-test of the mark")
            await asyncio.sleep(REFRESH_S)

    async def _round(
        self,
        bridge: Callable[[], Bridge],
        catalogue: Callable[[], Catalogue],
        every_s: float,
        done: dict[_Place, _Done],
    ) -> None:
        await self.refresh()
        here = self._all(bridge(), catalogue())
        self._forget({(upstream.name, model.upstream_name) for upstream, model, _ in here})
        for upstream, model, current in here:
            place, now = (upstream.name, model.upstream_name), self._clock.monotonic()
            if bridge().upstream(upstream.name) is not upstream:
                return  # a reload replaced its connections, which are closing: the next round has the new ones
            before = done.get(place)
            if before is None or before.due(current.epoch, upstream, now, every_s):
                result = await self.test(upstream, model, current)
                if result != "unreachable":
                    done[place] = _Done(current.epoch, upstream, now, result)

    def _forget(self, places: set[_Place]) -> None:
        """What is no longer configured fails no more."""
        gone = self._marks.refusing - places
        self._marks.refusing -= gone
        for name in {name for name, _ in gone} - {name for name, _ in self._marks.refusing}:
            self._metrics.probed(name, ok=True)

    async def refresh(self) -> None:
        """Look for commitments; each trouble is said once."""
        troubles = await asyncio.to_thread(self._book.refresh, self._clock.now_ms())
        for trouble in troubles:
            if trouble not in self._said:
                log.warning("answers are not marked", extra={"fields": {"why": trouble}})
        self._said = set(troubles)

    def _all(self, bridge: Bridge, catalogue: Catalogue) -> list[tuple[Upstream, Model, Current]]:
        found = []
        for model in catalogue.models:
            if CODE in model.tags:
                continue  # its answers are never marked
            current = self._book.at(model.family, self._clock.now_ms())
            for name in model.upstreams if isinstance(current, Current) else ():
                upstream = bridge.upstream(name)
                if upstream.settings.logit_bias_entries and _dialect(upstream) is not None:
                    assert isinstance(current, Current)
                    found.append((upstream, model, current))
        return found

    async def test(self, upstream: Upstream, model: Model, current: Current) -> Result:
        """Test one model at one upstream, and act on the result."""
        result = await self._ask_all(upstream, model, current)
        place = (upstream.name, model.upstream_name)
        if result == "unreachable":
            return result
        if result == "ok":
            self._marks.refusing.discard(place)
        else:
            self._marks.refusing.add(place)
        failing = any(name == upstream.name for name, _ in self._marks.refusing)
        self._metrics.probed(upstream.name, ok=not failing)
        say = log.info if result == "ok" else log.error
        say("self-test of the mark", extra={"fields": {"upstream": upstream.name, "model": model.id, "result": result}})
        return result

    async def _ask_all(self, upstream: Upstream, model: Model, current: Current) -> Result:
        scheme = PairScheme(
            current.marker.table, lists=current.marker.lists, provider_quarters=self._book.provider_quarters
        )
        asked = questions(current.marker, upstream.settings.logit_bias_entries)
        answers = []
        for question in asked:
            try:
                async with asyncio.timeout(QUESTION_S):
                    answer = await _ask(upstream, model, question.bias)
            except (UpstreamFailed, TimeoutError):
                return "unreachable"
            if isinstance(answer, int):
                return "rejected" if answer in _REJECTED else "unreachable"
            answers.append(answer)
        expected = signs_of(asked, self._book.master, current.epoch, model.family, scheme)
        return judge(asked, answers, expected, scheme)


def _dialect(upstream: Upstream) -> Dialect | None:
    """The one to ask in: plain completions where there are, since no template comes between."""
    for name in ("completions", "chat"):
        if name in upstream.settings.dialects:
            return next(dialect for dialect in DIALECTS if dialect.name == name)
    return None


async def _ask(upstream: Upstream, model: Model, bias: dict[str, float]) -> str | int:
    """The answer's text, or the status of a refusal. Raises UpstreamFailed."""
    dialect = _dialect(upstream)
    assert dialect is not None
    chat = dialect.name == "chat"
    cap = "max_completion_tokens" if chat and upstream.settings.kind in _MODERN_CAP else "max_tokens"
    prompt = {"messages": [{"role": "user", "content": _PROMPT}]} if chat else {"prompt": _PROMPT}
    body = {"model": model.upstream_name, **prompt, cap: MOST_TOKENS, "temperature": 0, "logit_bias": bias}
    call = upstream.call(dialect.name, dialect.path, dumps(body), caller={}, request_id=new_id("probe-"), stream=False)
    upstream.outstanding += 1  # so that a reload does not close the connection under it
    try:
        answer = await upstream.transport.send(call)
        try:
            data = await answer.read()
        except BaseException:
            answer.abort()
            raise
        answer.finish()
    finally:
        upstream.outstanding -= 1
    if answer.status != 200:
        return answer.status
    if len(data) > MOST_BYTES:
        return ""  # four tokens are not that long: whatever it says is no answer to the question
    reader = dialect.output_texts()
    assert reader is not None
    return "".join(text for _, text in reader.whole(data) or ())
