"""Who was marked, on its way to the account log: each codeword once, however many answers carry it."""

from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from gateway.watermarks.account_log import AccountLog
from gateway.watermarks.issued import Marking

AT_ONCE: Final = 1024
"""At the start of an epoch every account is new."""


class _Given(NamedTuple):
    """A codeword that an account is marked with."""

    account: str
    epoch: str
    family: str
    roll: int


class MarkNotes:
    """Waits in memory until `write` is called, in a thread."""

    def __init__(self, accounts: AccountLog) -> None:
        self._accounts = accounts
        self._noted: set[_Given] = set()
        self._waiting: deque[_Given] = deque()

    def __bool__(self) -> bool:
        """Whether any waits."""
        return bool(self._waiting)

    def add(self, account: str, marking: Marking) -> None:
        """Keep it for `write`, unless it was kept before."""
        given = _Given(account, marking.epoch, marking.family, marking.roll)
        if given not in self._noted:
            self._noted.add(given)
            self._waiting.append(given)

    def write(self, complain: Callable[[str], None]) -> int:
        """Write of what waits as much as one fsync takes. How many could not be written; `complain` hears why."""
        given = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
        try:
            self._accounts.note_all(given)
        except OSError as error:
            self._noted.difference_update(given)  # their next answers try again
            complain(str(error))
            return len(given)
        return 0

    def close(self) -> None:
        self._accounts.close()
