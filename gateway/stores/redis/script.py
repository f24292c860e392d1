"""The Lua twin of the ledger, as Redis knows it: one text, one SHA.

Redis runs the whole text with each call and makes every function anew, with a search for each local variable that the
function uses. That would cost more than the decision. So each file is a module that is only defined once a call needs
it (`lazily` in state.lua), and named numbers are written into the text before it is sent.
"""

import hashlib
import re
from functools import cache
from importlib import resources
from typing import Final

MODULES: Final = (
    ("home", "Home"), ("bucket", "Bucket"), ("history", "History"), ("budget", "Budget"), ("slots", "Slots"),
    ("distinct", "Distinct"), ("places", "Place"), ("ledger", "Ledger"), ("look", "Look"),
)  # fmt: skip
"""Files and the tables of functions that they fill, in this order: each one uses what stands before it."""
KEYS: Final = ("s", "r", "t", "d", "h", "p", "l", "c")
"""Places, reservations, expiries, tombstones, holds, prompts, ledger, checkpoint: all keys of a home, with its tag."""
_NUMBERS: Final = re.compile(r"^local ([A-Z_]+(?:, [A-Z_]+)*) = (\d+(?:, \d+)*)(?: --.*)?\n", re.MULTILINE)
_COMMENT: Final = re.compile(r"^ *--.*\n", re.MULTILINE)


def source() -> str:
    """As it is written, each file in its module."""
    parts = [_read("state")]
    parts += [f"local {module} = lazily(function({module})\n{_read(file)}end)\n" for file, module in MODULES]
    return "\n".join([*parts, _read("dispatch")])


def _read(file: str) -> str:
    return resources.files("gateway.stores.redis").joinpath("lua", f"{file}.lua").read_text("utf-8")


@cache
def text() -> bytes:
    return with_numbers(source()).encode()


def with_numbers(source: str) -> str:
    """Without comment lines, and with `local NAME = 3` put in where the name is used. ValueError: a name twice."""
    source = _COMMENT.sub("", source)
    numbers: dict[str, str] = {}
    for names, values in _NUMBERS.findall(source):
        for name, value in zip(names.split(", "), values.split(", "), strict=True):
            if numbers.setdefault(name, value) != value:
                raise ValueError(f"the script gives {name} two meanings")
    return re.sub(r"\b[A-Z_]{2,}\b", lambda match: numbers.get(match[0], match[0]), _NUMBERS.sub("", source))


@cache
def sha() -> bytes:
    """What EVALSHA calls it; SHA-1 is Redis' choice and secures nothing."""
    return hashlib.sha1(text(), usedforsecurity=False).hexdigest().encode()
