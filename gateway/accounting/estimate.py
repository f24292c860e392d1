"""Token counts without a tokeniser: bytes per token, learnt per model from what upstreams report.

Before a request, its input is estimated from its bytes; after a stream without usage, its output is. Each is a
straight line (tokens = bytes x slope + constant) that follows the settled usage in small clipped steps. One wild
or dishonest report therefore moves it by a few percent at most, and no number of them moves it out of bounds.
"""

from typing import Final

from gateway.core.ask import Ask
from gateway.core.usage import Usage

START_BYTES_PER_TOKEN: Final = 3.0
"""Ordinary prose has four to five bytes per token, so that a model nobody used yet is over-estimated."""
MIN_BYTES_PER_TOKEN: Final = 1.0
MAX_BYTES_PER_TOKEN: Final = 16
START_OVERHEAD: Final = 16.0
"""Tokens of chat template around a short prompt."""
MAX_OVERHEAD: Final = 1024
TOKENS_PER_MEDIA_ITEM: Final = 1500
MAX_MODELS: Final = 1024
START_OUTPUT_HIGH: Final = 1024.0
MAX_OUTPUT_HIGH: Final = 1 << 20

_STEP: Final = 0.05
_LOWEST_SLOPE: Final = 1 / MAX_BYTES_PER_TOKEN
_HIGHEST_SLOPE: Final = 1 / MIN_BYTES_PER_TOKEN
_PIVOT: Final = 128.0
"""Prompts well below so many bytes teach the constant, well above it the slope."""
_PIVOT_SQUARED: Final = _PIVOT * _PIVOT
_MIN_OUTPUT_TOKENS: Final = 16
"""Shorter answers are mostly end-of-text token: they teach nothing about bytes per token."""

_ALL_OF: Final = 64
_ONE_IN: Final = 8
"""Answers in one piece whose text is counted to learn from it: looking for it takes longer than all else of them."""


class _Line:
    """tokens = bytes x slope + constant, with a margin learnt from how far it fell short lately."""

    __slots__ = ("constant", "shortfall", "slope")

    def __init__(self, constant: float) -> None:
        self.slope = 1.0 / START_BYTES_PER_TOKEN
        self.constant = constant
        self.shortfall = 0.0

    def learn(self, size: int, tokens: int, max_constant: float) -> None:
        """Step towards one observation (normalised least mean squares, the error clipped)."""
        slope, constant, shortfall = self.slope, self.constant, self.shortfall
        predicted = size * slope + constant
        # Plain comparisons: this runs once a request, and min() and max() cost more than the arithmetic.
        error = tokens - predicted
        if error > predicted + 1:
            error = predicted + 1
        elif error < predicted / -2:
            error = predicted / -2
        short = error / predicted if error > 0 else 0.0
        step = _STEP * error / (size * size + _PIVOT_SQUARED)
        slope += step * size
        if not _LOWEST_SLOPE <= slope <= _HIGHEST_SLOPE:
            slope = _LOWEST_SLOPE if slope < _LOWEST_SLOPE else _HIGHEST_SLOPE
        constant += step * _PIVOT_SQUARED
        if not 0.0 <= constant <= max_constant:
            constant = 0.0 if constant < 0 else max_constant
        self.slope, self.constant, self.shortfall = slope, constant, shortfall + _STEP * (short - shortfall)


class _Learnt:
    """What is known about one model."""

    __slots__ = ("answers", "input", "output", "output_high", "reasoning_high")

    def __init__(self) -> None:
        self.answers = 0
        self.input = _Line(START_OVERHEAD)
        self.output = _Line(0.0)
        self.output_high = START_OUTPUT_HIGH
        self.reasoning_high = 1.0


class Estimator:
    """Learns per model; every call is O(1) and touches no I/O. Models beyond `MAX_MODELS` share one state."""

    def __init__(self, tokens_per_media_item: int = TOKENS_PER_MEDIA_ITEM) -> None:
        self._models: dict[str, _Learnt] = {}
        self._rest = _Learnt()
        self._start = _Learnt()
        self._media = tokens_per_media_item

    def input_tokens(self, model_id: str, ask: Ask) -> int:
        """Tokens the model will read, rather too many than too few; at least 1 for anything but an empty ask."""
        if not ask.prompt_bytes and not ask.media_items:
            return 0
        line = (self._models.get(model_id) or self._known(model_id)).input
        text = (ask.prompt_bytes * line.slope + line.constant) * (1.0 + 2.0 * line.shortfall)
        return int(text) + 1 + ask.media_items * self._media

    def output_tokens(self, model_id: str, text_bytes: int, delta_events: int) -> int:
        """Tokens in output that was seen but not reported.

        An event carries at least one token and often several, so events alone under-count; bytes divided by the
        learnt ratio is right on average and wrong for one odd answer. The larger of both is never far too small.
        Events never count for more than the bytes they brought: an upstream that re-cuts its text into single
        characters does not make it dearer than one token a byte. Output without text still counts its events.
        """
        if not text_bytes:
            return delta_events
        by_bytes = int(text_bytes * (self._models.get(model_id) or self._known(model_id)).output.slope) + 1
        return by_bytes if delta_events <= by_bytes else max(by_bytes, min(delta_events, text_bytes))

    def output_high(self, model_id: str) -> int:
        """About the 95th percentile of recent output tokens per choice: what to reserve where debt is allowed."""
        return max(1, int(self._known(model_id).output_high))

    def reasoning_high(self, model_id: str) -> int:
        """The same of reasoning tokens; at least 1, so that a limit on them is consulted by every model."""
        return int((self._models.get(model_id) or self._known(model_id)).reasoning_high)

    def bytes_per_token(self, model_id: str) -> tuple[float, float]:
        """The learnt ratios for input and output."""
        known = self._known(model_id)
        return 1 / known.input.slope, 1 / known.output.slope

    def wants_text(self, model_id: str) -> bool:
        """Whether to count the text of the next answer for `learn`: of every one at first, then of one in some."""
        answers = self._known(model_id).answers
        return answers < _ALL_OF or not answers % _ONE_IN

    def learn(self, model_id: str, ask: Ask, usage: Usage, text_bytes: int | None) -> None:
        """Take in the usage an upstream reported for a complete answer with `text_bytes` of visible output, None where
        nobody counted them.
        """
        if usage.estimated:
            return
        known = self._models.get(model_id) or self._for_update(model_id)
        known.answers += 1
        size, tokens = ask.prompt_bytes, usage.input_tokens
        # Beyond these bounds it is no tokeniser's doing (truncation, hidden tools, a lie). Media hide the text's share.
        # Whole numbers: no bound on what an upstream may claim, and a float has one.
        fits = tokens <= size + MAX_OVERHEAD and size <= tokens * MAX_BYTES_PER_TOKEN
        if fits and size and not ask.media_items:
            known.input.learn(size, tokens, MAX_OVERHEAD)
        written = usage.output_tokens
        # Reasoning is counted in the output but may not be visible: then the ratio to visible bytes means nothing.
        thought = usage.reasoning_tokens
        visible = 0 if thought else text_bytes or 0
        if _MIN_OUTPUT_TOKENS <= written <= visible <= written * MAX_BYTES_PER_TOKEN:
            known.output.learn(visible, written, 0.0)
        if written > 0:
            known.output_high = _towards(known.output_high, min(written, MAX_OUTPUT_HIGH) / (ask.choices or 1))
            if thought > 0:
                known.reasoning_high = _towards(
                    known.reasoning_high, min(thought, MAX_OUTPUT_HIGH) / (ask.choices or 1)
                )
            elif known.reasoning_high > 1.0:
                known.reasoning_high = _towards(known.reasoning_high, 0.0)

    def _known(self, model_id: str) -> _Learnt:
        known = self._models.get(model_id)
        if known is not None:
            return known
        return self._start if len(self._models) < MAX_MODELS else self._rest

    def _for_update(self, model_id: str) -> _Learnt:
        known = self._models.get(model_id)
        if known is None:
            if len(self._models) >= MAX_MODELS:
                return self._rest
            known = self._models[model_id] = _Learnt()
        return known


def _towards(high: float, seen: float) -> float:
    """A quantile by its definition: steps up and down balance where 19 of 20 observations are below."""
    step = _STEP * high
    high += step * 0.95 if seen > high else -step * 0.05
    return high if 1.0 <= high <= MAX_OUTPUT_HIGH else min(max(1.0, high), float(MAX_OUTPUT_HIGH))
