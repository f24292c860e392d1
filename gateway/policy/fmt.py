"""The one layout of policy files: outermost keys in the order of the language, white space as everywhere.

Lines are moved, never rewritten: quotes, inner order and comments stay as they were written. A comment belongs to the
key that it stands right above; one with a blank line after it to what is above. What cannot be done so is refused.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from gateway.policy.cases import CaseFile
from gateway.policy.definitions import DefinitionsFile
from gateway.policy.load import DEFINITIONS, TEST_SUFFIX
from gateway.policy.model import Policy
from gateway.yamlio import Outline, Problem, Span, YamlProblems, load, outline

_OTHER_BREAKS: Final = "\r\x85\u2028\u2029"
_MODELINE: Final = "# yaml-language-server:"
Line = tuple[str, bool]
"""A line, and whether its white space belongs to a text."""
BLANK: Final[Line] = ("", False)


def kind_of(path: Path) -> type[BaseModel]:
    """What kind of file it is, by its name."""
    if path.name == DEFINITIONS:
        return DefinitionsFile
    return CaseFile if path.name.endswith(TEST_SUFFIX) else Policy


def formatted(text: str, source: str, kind: type[BaseModel]) -> str:
    """The same document in the one layout. Raises YamlProblems for what is no YAML, or cannot be laid out safely."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    before = load(text, source).value
    if not isinstance(before, dict):
        raise YamlProblems([Problem(source, 1, 1, "expected a mapping of keys")])
    for line, content in enumerate(text.split("\n"), 1):
        if any(char in content for char in _OTHER_BREAKS):
            raise YamlProblems([Problem(source, line, 1, "cannot be laid out: a line break other than a new line")])
    order = [info.alias or name for name, info in kind.model_fields.items()]
    result = _laid_out(text.split("\n"), outline(text, source), order)
    _check(text, before, result, source)
    return result


def _laid_out(raw: Sequence[str], found: Outline, order: Sequence[str]) -> str:
    lines = [(line, True) if place in found.texts else (line.rstrip(), False) for place, line in enumerate(raw)]
    while lines and lines[-1] == BLANK:
        lines.pop()
    # A key that the language does not know goes last; lint says what is wrong with it.
    rank = {key: place for place, key in enumerate(order)}
    tops = [
        _top(lines, 0 if place == 0 else found.spans[place - 1].end, span) for place, span in enumerate(found.spans)
    ]
    blocks = [
        (rank.get(span.key, len(order)), lines[top:end])
        for span, top, end in zip(found.spans, tops, (*tops[1:], len(lines)), strict=True)
    ]
    parts = [lines[: tops[0]], *(block for _, block in sorted(blocks, key=lambda block: block[0]))]
    kept: list[Line] = []
    for part in parts:
        if kept and part and part[0] != BLANK and _floats(kept[-1]):
            kept.append(BLANK)  # or the comment would stand right above a key that is not its own
        kept += part
    squeezed = [line for place, line in enumerate(kept) if line != BLANK or (place > 0 and kept[place - 1] != BLANK)]
    return "\n".join(line for line, _ in squeezed) + "\n"


def _top(lines: Sequence[Line], least: int, span: Span) -> int:
    """The first line of a key: comments right above it, and blank lines above those."""
    top = span.start
    while top > least and _floats(lines[top - 1]):
        top -= 1
    while top > least and lines[top - 1] == BLANK:
        top -= 1
    return top


def _floats(line: Line) -> bool:
    """A comment that belongs to whatever stands right below it. One that is indented belongs to what is above."""
    return line[0].startswith("#") and not line[1] and not line[0].startswith(_MODELINE)


def _check(before: str, meant: object, after: str, source: str) -> None:
    """Raises YamlProblems where the meaning or a line would be lost: then the file stays as it is."""
    try:
        same = load(after, source).value == meant
    except YamlProblems:
        same = False  # an alias may come to stand before its anchor
    if not same or _written(before) != _written(after):
        message = "cannot be laid out without changing what it means: are there anchors, or a text without a last line?"
        raise YamlProblems([Problem(source, 1, 1, message)])


def _written(text: str) -> Counter[str]:
    return Counter(line.rstrip() for line in text.split("\n") if line.strip())
