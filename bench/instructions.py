"""How long the compiled path is: machine instructions of one request. `python -m bench.instructions`, half a minute.

What `python -m bench.bytecodes` is to the source: valgrind's callgrind executes the gateway and counts, so that a busy
machine blurs nothing and a change of a thousandth shows. Counted is all that runs outside the kernel, in every thread;
what waits for memory is not. Needs valgrind (Debian: apt-get install valgrind) and what `make compiled` makes.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from bench.asking import ANSWERS, FRESH, FRESH_HELP, Fresh, caller, shipped
from bench.callgrind import Profile, read
from bench.plan import BenchFailed
from bench.process import cores
from bench.report import table
from bench.under_load import Target, bare, gateway

_WARM: Final = 200
_REQUESTS: Final = 200
_COMPILED: Final = re.compile(r"CPyDef_(\w+?)(?:_____mypyc_generator_helper__)?(?:'\d+)?")
"""The name that mypyc gives to a function, and to the steps of a coroutine."""
_COMMAND_S: Final = 30.0


def counted(
    folder: Path, tree: Path, status: int = 200, requests: int = _REQUESTS, fresh: Collection[Fresh] = ()
) -> Profile:
    """All that so many requests took; `fresh` as for a Caller. Raises BenchFailed."""
    valgrind, control = _found("valgrind"), _found("callgrind_control")
    if not any(tree.glob("*__mypyc*.so")):
        raise BenchFailed(f"{tree}: what `make compiled` makes was expected, and there is no library of mypyc's")
    out = folder / "callgrind"
    own, other = cores()
    under = [valgrind, "--tool=callgrind", "--quiet", "--instr-atstart=no", f"--callgrind-out-file={out}"]
    with ExitStack() as running:
        answers = running.enter_context(bare(folder, other, "upstream")).port
        target = running.enter_context(
            gateway(folder / "gateway", answers, own, (), shipped_only=True, tree=tree, setup=shipped(), under=under)
        )
        ask = running.enter_context(caller(target, status, fresh))
        ask.times(_WARM)
        _tell(control, target, "--instr=on")
        ask.times(requests)
        _tell(control, target, "--dump")
    with Path(f"{out}.1").open(errors="replace") as lines:
        return read(lines)


def _found(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise BenchFailed(f"{program}: not found; Debian has it in the package valgrind")
    return path


def _tell(control: str, target: Target, what: str) -> None:
    subprocess.run([control, what, str(target.pid)], check=True, capture_output=True, timeout=_COMMAND_S)


def shown(profile: Profile, requests: int, most: int) -> str:
    """By library, and the `most` expensive compiled functions with all that they call."""
    whole = profile.whole / requests
    libraries = [
        [Path(name).name, f"{count / requests:,.0f}", f"{count / profile.whole:.1%}"]
        for name, count in sorted(profile.libraries.items(), key=lambda pair: -pair[1])
        if count > profile.whole / 200
    ]
    compiled = [(found[1], one) for one in profile.functions.values() if (found := _COMPILED.fullmatch(one.name))]
    functions = [
        [
            name.replace("___", "."),
            f"{one.whole / requests:,.0f}",
            f"{one.own / requests:,.0f}",
            f"{one.entered / requests:.1f}",
        ]
        for name, one in sorted(compiled, key=lambda pair: -pair[1].whole)[:most]
    ]
    head = ("compiled function", "instructions, with all that it calls", "its own", "calls")
    return "\n\n".join(
        [
            table(f"One request: {whole:,.0f} instructions", ("library", "its own instructions", "share"), libraries),
            table("Where they are", head, functions),
        ]
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Exit 0 with figures, 1 when they cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m bench.instructions", description=__doc__)
    parser.add_argument("--tree", type=Path, default=Path("build/compiled"), help="a compiled checkout (%(default)s)")
    parser.add_argument("--answer", type=int, choices=ANSWERS, default=200, help="of which requests (200)")
    parser.add_argument("--fresh", choices=FRESH, action="append", default=[], help=FRESH_HELP)
    parser.add_argument("--top", type=int, default=40, metavar="N", help="functions shown (%(default)s)")
    args = parser.parse_args(argv)
    try:
        with tempfile.TemporaryDirectory(prefix="gateway-bench-") as name:
            print(shown(counted(Path(name), args.tree, args.answer, fresh=args.fresh), _REQUESTS, args.top))
    except BenchFailed as failed:
        print(f"bench: {failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
