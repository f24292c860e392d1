"""`gateway` with one thing more: at each SIGUSR2 it writes to FILE how many asyncio tasks there are, by what they run.

python -m tests.support.telling_tasks FILE serve --config …
"""

import asyncio
import json
import signal
import sys
from collections import Counter
from pathlib import Path

from gateway.cli.main import main as gateway_main


def main(argv: list[str]) -> int:
    file, *rest = argv

    def tell(*_: object) -> None:
        # A compiled coroutine has no name of its own, but a type that is named after the function.
        coroutines = [task.get_coro() for task in asyncio.all_tasks()]
        names = Counter(getattr(one, "__qualname__", type(one).__name__) for one in coroutines)
        aside = Path(f"{file}.new")
        aside.write_text(json.dumps(names))
        aside.replace(file)

    signal.signal(signal.SIGUSR2, tell)
    return gateway_main(rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
