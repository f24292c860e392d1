"""Runs `gateway watermark detect` and `reproduce` in a folder of `forensic_files`, at the time that these stand for."""

from gateway.cli import watermark_detect
from gateway.cli.main import _parser, main
from gateway.core.clock import ManualClock
from tests.support.forensic_files import NOW_MS


def detecting(place, monkeypatch, capsys):
    """A function that runs the verb: (exit status, standard output, standard error)."""

    def call(*words, token=None, config=True, verb="detect"):
        monkeypatch.delenv("GATEWAY_ADMIN_TOKEN_FILE", raising=False)
        monkeypatch.setenv("GATEWAY_ADMIN_TOKEN", token or "")
        monkeypatch.delenv("GATEWAY_CONFIG", raising=False)
        monkeypatch.chdir(place)
        line = ["watermark", verb, *map(str, words), *(["--config", "gateway.yaml"] if config else [])]
        if verb == "detect":
            status = watermark_detect.run(_parser("watermark")[0].parse_args(line), ManualClock(NOW_MS))
        else:
            status = main(line)
        return status, *capsys.readouterr()

    return call
