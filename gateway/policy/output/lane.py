"""The end of one running text: as much of it as a match that is still to come may begin in."""

from typing import Final

from gateway.policy.output.escapes import LONGEST, paired, unescaped
from gateway.texts.form import matching_form, plain_form

_MORE: Final = 1024
"""Characters kept beyond eight windows. Text that hides a window's worth of letters in more is not followed."""
_BACK: Final = 48
"""Characters to look back for a word's beginning when the front is cut off."""


class Lane:
    """Characters of one text of an answer, counted from its beginning; those before `start` are forgotten.

    `cleared` says up to where no match can begin any more, or where one may begin but everybody goes on: after a
    blank line.
    """

    __slots__ = (
        "_ask_again",
        "_counted_at",
        "_left",
        "_most",
        "_roomy",
        "_window",
        "cleared",
        "inside_word",
        "start",
        "text",
    )

    def __init__(self, window: int) -> None:
        self._window = window
        self._roomy = 3 * window + 64
        self._most = 8 * window + _MORE
        self.text = ""
        self.start = 0
        self.cleared = 0
        self._ask_again = 0
        """How long the text must be before the place that was asked for last can be past."""
        self._counted_at = self._left = 0
        """How long it was when letters were last counted, and how many there were behind `cleared`."""
        self.inside_word = False
        """Whether the text was cut in the middle of a word: its beginning is no word's beginning."""

    @property
    def end(self) -> int:
        return self.start + len(self.text)

    def add(self, text: str) -> None:
        """Append; the two halves of a character that came apart become one again."""
        if self.text and "\ud800" <= self.text[-1] <= "\udbff" and "\udc00" <= text[:1] <= "\udfff":
            self.text = self.text[:-1] + paired(self.text[-1] + text[0]) + text[1:]
        else:
            self.text += text

    def clear_to_blank_line(self) -> None:
        """Everything up to the last blank line may go: people read it as finished."""
        at = self.text.rfind("\n\n")
        if at >= 0:
            self.cleared = max(self.cleared, self.start + at + 2)

    def is_past(self, place: int, window: int) -> bool:
        """Whether no match of at most `window` characters, still to be completed, can begin before `place`."""
        if place <= self.cleared or place <= self.start:
            return True
        end = self.end
        if end < self._ask_again:
            return False
        # A character is rarely more than one letter, and waiting a little longer does no harm: so few are counted.
        letters = self._left - (place - self.cleared) if end == self._counted_at else window
        if letters >= window:
            letters = _letters(self.text[place - self.start :])
        if letters < window:
            self._ask_again = end + window - letters
            return False
        self.cleared, self._counted_at, self._left = place, end, letters
        return True

    def trim(self) -> bool:
        """Forget what no match can begin in any more; False when more than that had to be forgotten."""
        text = self.text
        if len(text) <= self._roomy:
            return True
        size = self._window + self._window // 2
        while size < min(len(text), self._most) and _letters(text[-size:]) < self._window:
            size = min(2 * size, self._most)
        kept_whole = size >= len(text) or size < self._most or _letters(text[-size:]) >= self._window
        cut = self._word_start(max(0, len(text) - size))
        if cut > 0:
            self.inside_word = text[cut - 1].isalnum()
            self.text = text[cut:]
            self.start += cut
        return kept_whole

    def _word_start(self, cut: int) -> int:
        """At or before `cut`, where a word begins and no escape is cut in two."""
        text = self.text
        for at in range(cut, max(0, cut - _BACK), -1):
            if not text[at - 1].isalnum():
                cut = at
                break
        slash = text.find("\\", max(0, cut - LONGEST), cut)
        return cut if slash < 0 else slash


def _letters(text: str) -> int:
    """Letters and digits in either form of the text, the fewer.

    Only they count: what stands between them may be dropped by a search that sees through spelled-out words.
    """
    if "\\" in text:
        text = unescaped(text)
    if text.isascii():
        return sum(map(str.isalnum, text))  # its forms differ in case, space and control characters only
    return min(sum(map(str.isalnum, matching_form(text))), sum(map(str.isalnum, plain_form(text))))
