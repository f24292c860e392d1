"""A list of accounts to test, instead of all that were marked: one id a line, a roll behind it where it has one.

The list must not come from scores. Whoever looks at all accounts and then tests only the best quotes a p that is
too small by as many times as accounts were looked at.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from gateway.forensics.eras import Suspect

MOST_BYTES: Final = 256 << 20
MOST_NAME: Final = 256


class BadAccounts(ValueError):  # noqa: N818 - named for what it is about
    """A file that lists no accounts; the message names the file and the line."""


def read_suspects(path: Path, rolls: Mapping[str, int]) -> list[Suspect]:
    """Read a file; `#` begins a comment. `rolls` are those of accounts that stand there without one.

    Raises BadAccounts; OSError where it cannot be read.
    """
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise BadAccounts(f"{path}: larger than {MOST_BYTES >> 20} MiB")
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise BadAccounts(f"{path}: not UTF-8") from None
    suspects: dict[Suspect, None] = {}
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].split()
        match words:
            case []:
                continue
            case [account, *_] if len(account) > MOST_NAME:
                raise BadAccounts(f"{path}:{number}: expected an account id, found {len(account)} characters")
            case [account]:
                suspect = Suspect(account, rolls.get(account, 0))
            case [account, roll] if roll.isascii() and roll.isdigit() and len(roll) < 8:
                suspect = Suspect(account, int(roll))
            case _:
                raise BadAccounts(f"{path}:{number}: expected an account, and perhaps its roll")
        suspects[suspect] = None
    if not suspects:
        raise BadAccounts(f"{path}: names no account")
    return list(suspects)
