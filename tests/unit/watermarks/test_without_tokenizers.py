"""Only `gateway watermark pairs --tokenizer` loads the package tokenizers; what serves requests never does."""

import subprocess
import sys
from importlib.util import find_spec

from tests.support.needs import missing


def loads_tokenizers(code: str) -> bool:
    code += "\nimport sys; sys.exit(41 if 'tokenizers' in sys.modules else 40)"
    done = subprocess.run([sys.executable, "-c", code], check=False, timeout=60, capture_output=True)
    assert done.returncode in {40, 41}, done.stderr
    return done.returncode == 41


def test_neither_serving_nor_the_other_verbs_load_it():
    assert not loads_tokenizers("import gateway.cli.serve, gateway.cli.demo, gateway.runtime, gateway.cli.watermark")


def test_reading_a_tokenizer_file_does():
    if not find_spec("tokenizers"):
        missing("needs tokenizers: see requirements/watermark.txt")
    code = "from pathlib import Path\nfrom gateway.cli.tokens_from_file import FileTokens\n"
    assert loads_tokenizers(code + "try: FileTokens(Path('/absent'))\nexcept Exception: pass")
