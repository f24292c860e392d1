"""One text, examined: the whole and, where asked for, windows along it."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.forensics.identity import text_digest, words_digest
from gateway.forensics.looks import Look, Seen, look_at, readings
from gateway.forensics.outcome import Hit, Outcome, best_hit, conclude, even_power
from gateway.forensics.question import Question
from gateway.forensics.windows import Window, windows_of
from gateway.watermarks.correction import Tried
from gateway.watermarks.decoys import Decoys
from gateway.watermarks.evidence import Evidence
from gateway.watermarks.verdict import Verdict, judge
from gateway.watermarks.words import read_words


@dataclass(frozen=True, slots=True)
class WindowFound:
    """A window and its most surprising hypothesis."""

    window: Window
    hit: Hit
    fires: bool


@dataclass(frozen=True, slots=True)
class Examined:
    """One text and what came of it."""

    name: str
    characters: int
    sha256: str
    words_sha256: str
    dropped: int
    """Words left out because the prompt had them."""
    seen: Seen
    verdicts: tuple[Verdict, ...]
    """What the core says of the whole text, look by look: leaders, tails, ranks among decoys."""
    windows: tuple[WindowFound, ...]
    tried: Tried
    outcome: Outcome


def examine(
    name: str,
    text: str,
    question: Question,
    runs: Callable[[str], int],
    *,
    windows: bool = False,
    shares: int = 1,
    original: str | None = None,
    dropped: int = 0,
) -> Examined:
    """Examine one text. `runs` says how often its words were tested before, this run included.

    `original` is the text before the prompt's words were dropped: it is what is hashed. The text gets alpha / `shares`.
    """
    whole = text if original is None else original
    prose = read_words(text)
    words_sha256 = words_digest(prose.words if whole == text else read_words(whole).words)
    cut = windows_of(text) if windows else []
    tried = question.tried(windows=shares * (1 + len(cut)), runs=runs(words_sha256))
    seen = look_at([readings(text, question, prose)], question, keep=True)[0]
    parts = look_at([readings(window.text, question) for window in cut], question, best=1) if cut else []
    looks = [*seen.looks, *(look for part in parts for look in part.looks)]
    verdicts = tuple(_judged(look, at, seen, question, tried) for at, look in enumerate(seen.looks))
    weakest = min((verdict.power for verdict in verdicts), key=lambda power: power.chance)
    return Examined(
        name=name,
        characters=len(whole),
        sha256=text_digest(whole),
        words_sha256=words_sha256,
        dropped=dropped,
        seen=seen,
        verdicts=verdicts,
        windows=tuple(_window(window, part, question, tried) for window, part in zip(cut, parts, strict=True)),
        tried=tried,
        outcome=conclude(looks, tried, question.rules, weakest),
    )


def _window(window: Window, part: Seen, question: Question, tried: Tried) -> WindowFound:
    hit = best_hit(part.looks, tried)
    outcome = conclude(part.looks, tried, question.rules, even_power(part.looks, tried, question.rules))
    return WindowFound(window, hit, outcome.reason == "fired")


def _judged(look: Look, at: int, seen: Seen, question: Question, tried: Tried) -> Verdict:
    """The core's own verdict. Suspects that were sifted out rank below all that are given."""
    given = dict([*look.high, *look.best])
    evidence = Evidence(
        vector=seen.vectors[at],
        accounts=[suspect.label for suspect in given],
        scores=list(given.values()),
        decoys=Decoys(look.decoys.scores, look.squares),
        tried=tried,
        provider=look.provider,
        most_units=look.era.scheme.most_units,
        commitment=look.era.commitment,
    )
    return judge(evidence, question.rules)
