"""What others ask of the thread that owns the SQLite file."""

from collections.abc import Callable
from concurrent.futures import Future

from gateway.stores.journal import Journal

Job = Callable[[Journal], object]


def stale(_: Journal) -> None:
    """Instead of a job on a file that does not have what it is asked about."""
    raise OSError("the last commit failed")


def do(job: Job, journal: Journal, done: "Future[object]") -> None:
    """Answer whoever asked, unless they have left."""
    if not done.set_running_or_notify_cancel():
        return  # the asker has left; from here on it cannot
    try:
        done.set_result(job(journal))
    except Exception as error:  # noqa: BLE001 - the asker hears of it; the writer goes on
        done.set_exception(error)
