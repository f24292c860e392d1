"""A gateway that counts the bytecodes it executes: `python -m bench.traced FILE serve --config …`, else as `gateway`.

The first SIGUSR1 begins the count, each further one writes it to FILE. Counted is the event loop's thread.
"""

import json
import signal
import sys
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from gateway.cli.main import main as gateway_main


class Count:
    """By code object: bytecodes executed, frames entered or resumed, and calls of functions written in C."""

    def __init__(self) -> None:
        self.steps: Counter[CodeType] = Counter()
        self.frames: Counter[CodeType] = Counter()
        self.native: Counter[CodeType] = Counter()

    def begin(self) -> None:
        sys.setprofile(self._called)
        sys.settrace(self._entered)

    def pause(self) -> None:
        sys.settrace(None)
        sys.setprofile(None)

    def _entered(self, frame: FrameType, _event: str, _arg: Any) -> Any:
        self.frames[frame.f_code] += 1
        frame.f_trace_lines = False
        frame.f_trace_opcodes = True
        return self._stepped

    def _stepped(self, frame: FrameType, event: str, _arg: Any) -> Any:
        if event == "opcode":
            self.steps[frame.f_code] += 1
        return self._stepped

    def _called(self, frame: FrameType, event: str, _arg: Any) -> None:
        if event == "c_call":
            self.native[frame.f_code] += 1

    def rows(self) -> list[tuple[str, int, str, int, int, int]]:
        """(file, first line, function, bytecodes, frames, C calls)."""
        return [
            (code.co_filename, code.co_firstlineno, code.co_qualname, steps, self.frames[code], self.native[code])
            for code, steps in self.steps.items()
        ]


def main(argv: list[str]) -> int:
    """As `gateway`, after the file."""
    target, *rest = argv
    count = Count()
    told = Path(target)

    def tell(*_: object) -> None:
        count.pause()
        aside = told.with_suffix(".new")
        aside.write_text(json.dumps(count.rows()))
        aside.replace(told)
        count.begin()

    signal.signal(signal.SIGUSR1, tell)
    return gateway_main(rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
