"""Which packages an import brings along."""

import subprocess
import sys


def loads(package: str, *names: str) -> bool:
    """Whether a fresh interpreter that imports `names` has loaded `package`."""
    code = f"import sys, {', '.join(names)}; sys.exit(41 if {package!r} in sys.modules else 40)"
    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=60)
    assert done.returncode in {40, 41}
    return done.returncode == 41


SERVING = ("gateway.cli.main", "gateway.cli.serve", "gateway.cli.demo", "gateway.runtime")
"""What `gateway serve` loads before it has read its settings."""
