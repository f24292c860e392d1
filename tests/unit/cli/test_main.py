"""The front of the command line: every verb is listed, only the chosen one is imported."""

import subprocess
import sys

import pytest

from gateway import __version__
from gateway.cli.main import VERBS, main


def test_help_lists_every_verb(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert all(verb.name in shown and verb.summary in shown for verb in VERBS)


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["keys"], ["config", "check", "--nonsense"]])
def test_wrong_usage_exits_with_2(arguments: list[str], capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: gateway" in capsys.readouterr().err


def test_version(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"gateway {__version__}\n"


def test_asking_for_the_version_imports_nothing_heavy():
    code = (
        "import sys\n"
        "from gateway.cli.main import main\n"
        "try:\n    main(['--version'])\nexcept SystemExit:\n    pass\n"
        "print({'aiohttp', 'pydantic', 'yaml', 'redis'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.splitlines()[-1] == "set()"


@pytest.mark.parametrize("verb", ["keys", "config", "policy", "restore", "migrate", "doctor"])
def test_verbs_have_help_with_an_example(verb: str, capsys):
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])
    assert ended.value.code == 0
    assert f"usage: gateway {verb}" in capsys.readouterr().out


def test_a_reader_that_leaves_early_is_no_crash():
    code = "from gateway.cli.main import main; import sys; sys.exit(main(['policy', 'schema']))"
    ended = subprocess.run(
        ["bash", "-c", f'"$0" -c "{code}" | true; exit ${{PIPESTATUS[0]}}', sys.executable],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in ended.stderr
    assert "Exception" not in ended.stderr
