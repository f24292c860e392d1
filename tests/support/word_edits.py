"""What happens to a text between two people: cut, edited, pasted into another, dressed and undressed."""

from collections.abc import Callable, Sequence
from random import Random


def cut(words: Sequence[str], share: float, rng: Random) -> list[str]:
    """A piece of this share, from anywhere."""
    length = round(share * len(words))
    start = rng.randrange(len(words) - length + 1)
    return list(words[start : start + length])


def substitute(words: Sequence[str], share: float, others: Sequence[str], rng: Random) -> list[str]:
    """Each word with this chance another one."""
    return [rng.choice(others) if rng.random() < share else word for word in words]


def delete(words: Sequence[str], share: float, rng: Random) -> list[str]:
    """Each word with this chance gone."""
    return [word for word in words if rng.random() >= share]


def paste(words: Sequence[str], foreign: Sequence[str], share: float, rng: Random) -> list[str]:
    """The words in one piece inside foreign text, of which they are this share then."""
    around = foreign[: round(len(words) * (1 / share - 1))]
    at = rng.randrange(len(around) + 1)
    return [*around[:at], *words, *around[at:]]


def invisible(text: str, rng: Random) -> str:
    """A zero-width or soft character inside every fifth word or so."""
    return "".join(
        c + rng.choice("\u200b\u00ad\u2060\ufe0f") if c.isalpha() and rng.random() < 0.04 else c for c in text
    )


def full_width(text: str, rng: Random) -> str:
    """Compatibility forms in place of some letters, a wide space in place of some spaces."""
    return "".join(_wide(c) if rng.random() < 0.2 else c for c in text)


def as_markdown(text: str, rng: Random) -> str:
    """Headings, quotes, lists and emphasis around what was plain."""
    begin = ("# ", "> ", "- ", "1. ", "")
    lines = [rng.choice(begin) + line for line in text.split("\n")]
    emphasis = ("{}", "{}", "{}", "**{}**", "_{}_", "*{}*", "“{}”", "({})")
    return "\n".join(" ".join(rng.choice(emphasis).format(word) for word in line.split(" ")) for line in lines)


DRESSES: tuple[Callable[[str, Random], str], ...] = (invisible, full_width, as_markdown)


def _wide(char: str) -> str:
    if "!" <= char <= "~" and char.isalpha():
        return chr(ord(char) + 0xFEE0)
    return "\u3000" if char == " " else char
