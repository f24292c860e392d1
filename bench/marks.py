"""`python -m bench.marks`: what a mark adds to a request, beside writing the same request without one. Nothing is
asserted.

The request is decided on, its bias made or looked up, and its bytes written. Also what the look at an answer costs that
the scribe takes at one in sixteen, off the path.
"""

import time
from collections.abc import Callable

from bench.report import spread, table
from gateway.core.jsonio import dumps
from gateway.dialects import DIALECTS
from gateway.dialects.base import Bias, Rewrite
from gateway.watermarks.issued import Marking
from gateway.watermarks.marking import Manner, Marker
from gateway.watermarks.occasion import kept, why_not
from gateway.watermarks.showing import showing
from tests.support.marked_model import table_of

_WINDOWS, _CALLS = 16, 200
_CHAT = next(dialect for dialect in DIALECTS if dialect.name == "chat")
_BODY = {"model": "m", "messages": [{"role": "user", "content": "word " * 400}], "temperature": 1}


def main() -> None:
    marker = Marker(table_of(1024), bytes(32), b"p" * 32)
    ask, more = _CHAT.read(dict(_BODY)), _CHAT.read({**_BODY, "logit_bias": {str(n): 1 for n in range(5000, 5050)}})
    accounts = (f"account-{number}" for number in range(1 << 40))

    def send(asked: object, account: str, entries: int) -> bytes:
        assert why_not("chat", asked, ()) is None
        mark = marker.mark(account, 0, 0, Manner(entries, 1.0))
        callers = kept(asked.body.get("logit_bias"), marker.table.tokens, 50)
        return _CHAT.rewrite(asked, Rewrite("m", bias=Bias(callers, mark.json)), "llamacpp")

    plain = _windows(lambda: _CHAT.rewrite(ask, Rewrite("m"), "llamacpp"))
    rows = [["no mark", spread(plain), str(len(dumps(ask.body)))]]
    for entries in (300, 1024):
        size = str(len(send(ask, "a", entries)))
        rows.append([f"{entries} entries", spread(_windows(lambda n=entries: send(ask, "a", n))), size])
        with_own = _windows(lambda n=entries: send(more, "a", n))
        rows.append([f"{entries} entries and 50 of the caller's", spread(with_own), str(len(send(more, "a", entries)))])
        fresh = _windows(lambda n=entries: send(ask, next(accounts), n))
        rows.append([f"{entries} entries, an account's first request", spread(fresh), size])
    print(table("Request with 2 KB of prompt: µs of CPU, best / quartile / median", ("mark", "µs", "bytes sent"), rows))
    marking = Marking(None, marker=marker, manner=Manner(1024, 1.0), layers=frozenset(("account", "provider")))
    text = " ".join(pair.first for pair in marker.table.pairs[:400])
    looked = spread(_windows(lambda: showing(text, marking, "a"), 20))
    print(table("Off the path", ("what", "µs"), [["look at an answer of 400 words for its mark", looked]]))


def _windows(work: Callable[[], object], calls: int = _CALLS) -> list[float]:
    """Microseconds per call in each window; the first one warms up."""
    return [_once(work, calls) for _ in range(_WINDOWS + 1)][1:]


def _once(work: Callable[[], object], calls: int) -> float:
    began = time.process_time_ns()
    for _ in range(calls):
        work()
    return (time.process_time_ns() - began) / 1000 / calls


if __name__ == "__main__":
    main()
