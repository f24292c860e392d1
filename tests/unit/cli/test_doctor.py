"""`gateway doctor`: each thing that can be wrong gets a line with a remedy, and no secret is shown."""

import json
import resource
import shutil
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from gateway.cli import doctor_checks
from gateway.cli.doctor import examine
from gateway.cli.doctor_checks import Line
from gateway.cli.main import main
from gateway.core.clock import ManualClock
from tests.support.config_dir import write_config
from tests.support.mmdb import countries, country, mmdb
from tests.support.redis_server import redis_server

NOW = 1_800_000_000_000
DATE = "Fri, 15 Jan 2027 08:00:00 GMT"


class Upstream(BaseHTTPRequestHandler):
    """Answers /v1/models for one key and remembers what it was asked."""

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))  # type: ignore[attr-defined]
        good = self.headers.get("authorization") in ("Bearer sk-up", None)
        status = 404 if self.path.startswith("/bare") else 200 if good else 401
        status = 302 if self.path.startswith("/moved") else status
        self.send_response_only(status)
        if self.path.startswith("/page"):
            self.send_header("content-type", "text/html")
        self.send_header("date", DATE)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def upstream() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    server.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def lines(path: Path, env: dict[str, str] | None = None, now_ms: int = NOW, *, online: bool = False) -> dict[str, Line]:
    return {line.name: line for line in examine(path, env or {}, ManualClock(now_ms), online=online)}


def test_a_good_installation_has_no_failure(tmp_path: Path):
    found = lines(write_config(tmp_path))
    assert {line.level for line in found.values() if line.name != "open files"} == {"ok"}
    assert {"config", "pepper", "store", "port data", "port ops", "port admin", "clock", "aiohttp"} <= set(found)


def test_every_failure_and_warning_has_a_remedy(tmp_path: Path):
    path = write_config(tmp_path, more="store: sqlite:no/such/folder/db\n")
    path.write_text(path.read_text().replace("key_pepper_files", "# key_pepper_files"))
    path.chmod(0o666)
    found = lines(path, now_ms=1_600_000_000_000)
    bad = {name for name, line in found.items() if line.level == "fail"}
    assert bad == {"pepper", "store", "settings", "clock"}
    assert all(line.remedy for line in found.values() if line.level != "ok")


def test_a_port_in_use_is_found(tmp_path: Path):
    path = write_config(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        path.write_text(path.read_text().replace("ops: {port: 0}", f"ops: {{port: {port}}}"))
        found = lines(path)
    assert found["port ops"].level == "fail"
    assert "set ops.host and ops.port" in found["port ops"].remedy
    assert found["port data"].level == "ok"


@pytest.mark.parametrize(("mode", "level"), [(0o600, "ok"), (0o400, "ok"), (0o644, "warn"), (0o602, "fail")])
def test_permissions_of_secrets(tmp_path: Path, mode: int, level: str):
    path = write_config(tmp_path)
    (tmp_path / "pepper").chmod(mode)
    assert lines(path)["key_pepper_files[0]"].level == level


def test_an_absent_secret_is_named(tmp_path: Path):
    path = write_config(tmp_path)
    path.write_text(path.read_text().replace("connect_s: 5", "api_key_file: absent"))
    found = lines(path)
    assert found["upstreams.main.api_key_file"].level == "fail"
    assert found["config"].level == "fail"


def test_a_memory_store_is_warned_about(tmp_path: Path):
    assert lines(write_config(tmp_path, more="store: 'memory:'\n"))["store"].level == "warn"


def test_few_open_files_are_warned_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 256))
    assert lines(write_config(tmp_path))["open files"].level == "warn"


def test_an_old_aiohttp_or_one_without_its_parser_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = write_config(tmp_path)
    monkeypatch.setattr(doctor_checks.importlib.util, "find_spec", lambda _: None)
    assert "C parser" in lines(path)["aiohttp"].message
    monkeypatch.setattr(doctor_checks.importlib.metadata, "version", lambda _: "3.14.2rc1")
    assert lines(path)["aiohttp"].level == "fail"


def test_broken_settings_end_the_examination(tmp_path: Path):
    found = list(examine(write_config(tmp_path, more="x: 1\n"), {}, ManualClock(NOW), online=True))
    assert [(line.level, line.name) for line in found] == [("fail", "config")]


def test_an_upstream_is_asked_for_its_models_with_its_key(tmp_path: Path, upstream: ThreadingHTTPServer):
    path = write_config(tmp_path, f"http://127.0.0.1:{upstream.server_port}/v1")
    path.write_text(path.read_text().replace("connect_s: 5", "api_key_env: K"))
    assert lines(path, {"K": "sk-up"}, online=True)["upstream main"].level == "ok"
    ((asked, headers),) = upstream.asked  # type: ignore[attr-defined]
    assert (asked, headers["authorization"]) == ("/v1/models", "Bearer sk-up")
    found = lines(path, {"K": "sk-wrong"}, online=True)
    assert found["upstream main"].level == "fail"
    assert "sk-wrong" not in repr(found)


def test_a_clock_that_differs_from_the_upstreams_is_found(tmp_path: Path, upstream: ThreadingHTTPServer):
    path = write_config(tmp_path, f"http://127.0.0.1:{upstream.server_port}")
    assert "upstream main clock" not in lines(path, online=True)
    assert "by 3600 s" in lines(path, now_ms=NOW + 3_600_000, online=True)["upstream main clock"].message


def test_an_upstream_without_a_list_of_models_is_only_warned_about(tmp_path: Path, upstream: ThreadingHTTPServer):
    path = write_config(tmp_path, f"http://127.0.0.1:{upstream.server_port}/bare/v1")
    assert lines(path, online=True)["upstream main"].level == "warn"


def test_anthropic_upstreams_are_asked_in_their_dialect(tmp_path: Path, upstream: ThreadingHTTPServer):
    path = write_config(tmp_path, f"http://127.0.0.1:{upstream.server_port}")
    path.write_text(path.read_text().replace("connect_s: 5", "dialects: [messages], api_key_env: K"))
    lines(path, {"K": "sk-up"}, online=True)
    headers = {name.lower(): value for name, value in upstream.asked[0][1].items()}  # type: ignore[attr-defined]
    assert headers["x-api-key"] == "sk-up"
    assert "anthropic-version" in headers
    assert "authorization" not in headers


def test_a_silent_upstream_fails_without_naming_its_address(tmp_path: Path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        found = lines(write_config(tmp_path, f"http://127.0.0.1:{port}/v1"), online=True)["upstream main"]
    assert found.level == "fail"
    assert str(port) not in found.message


def test_a_plain_port_behind_https_fails(tmp_path: Path, upstream: ThreadingHTTPServer):
    path = write_config(tmp_path, f"https://127.0.0.1:{upstream.server_port}/v1")
    upstream.handle_error = lambda *_: None  # type: ignore[method-assign]
    assert lines(path, online=True)["upstream main"].level == "fail"


def test_the_verb_prints_and_exits(tmp_path: Path, capsys):
    path = write_config(tmp_path)
    assert main(["doctor", "--offline", "--config", str(path)]) == 0
    assert "ok    config: settings, accounts, models and policies agree" in capsys.readouterr().out
    (tmp_path / "pepper").unlink()
    assert main(["doctor", "--offline", "--json", "--config", str(path)]) == 1
    assert any(line["level"] == "fail" for line in json.loads(capsys.readouterr().out))
    assert main(["doctor", "--config", str(tmp_path / "absent.yaml")]) == 2


def test_a_disk_that_is_nearly_full_is_warned_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = write_config(tmp_path, more="store: sqlite:usage.sqlite\n")
    assert lines(path)["store"].level == "ok"
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=200 << 20))
    found = lines(path)["store"]
    assert (found.level, found.message.split(" where ")[0]) == ("warn", "200 MiB are free")


def test_a_store_that_is_a_folder_is_refused(tmp_path: Path):
    (tmp_path / "usage").mkdir()
    found = lines(write_config(tmp_path, more="store: sqlite:usage\n"))["store"]
    assert (found.level, found.message) == ("fail", f"{tmp_path / 'usage'} is a folder")


def test_a_web_page_and_a_redirect_are_no_model_server(tmp_path: Path, upstream: ThreadingHTTPServer):
    base = f"http://127.0.0.1:{upstream.server_port}"
    path = write_config(tmp_path, base_url=f"{base}/page")
    page = lines(path, online=True)["upstream main"]
    path.write_text(path.read_text().replace("/page", "/moved"))
    moved = lines(path, online=True)["upstream main"]
    assert (page.level, moved.level) == ("fail", "fail")
    assert "not JSON" in page.message
    assert "redirects (302)" in moved.message


def test_a_redis_that_is_not_there_is_named_without_its_password(tmp_path: Path):
    (tmp_path / "secret.txt").write_text("hunter2")
    more = "store: redis://ada@127.0.0.1:1\nredis: {password_file: secret.txt}\n"
    path = write_config(tmp_path, more=more)
    (line,) = [one for one in examine(path, {}, ManualClock(NOW), online=True) if one.name == "store"]
    assert (line.level, "redis://127.0.0.1:1" in line.message) == ("fail", True)
    assert "hunter2" not in line.message + line.remedy
    assert not [one for one in examine(path, {}, ManualClock(NOW), online=False) if one.name == "store"]


@pytest.mark.redis
def test_a_redis_that_will_do_and_one_that_will_not(tmp_path: Path):
    with redis_server() as server:
        path = write_config(tmp_path, more=f"store: {server.url}\n")

        def found():
            return [one for one in examine(path, {}, ManualClock(NOW), online=True) if one.name == "store"]

        assert [one.level for one in found()] == ["ok"]
        server.say("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
        (line,) = found()
        assert (line.level, "noeviction" in line.message) == ("fail", True)


def with_countries(folder: Path, data: bytes | None) -> Path:
    path = write_config(folder)
    path.write_text(path.read_text().replace("data: {port: 0}", "data: {port: 0, country_file: countries.mmdb}"))
    if data is not None:
        (folder / "countries.mmdb").write_bytes(data)
    return path


@pytest.mark.parametrize(("days", "level"), [(0, "ok"), (90, "ok"), (91, "warn")])
def test_country_data_that_is_old_is_warned_about(tmp_path: Path, days: int, level: str):
    data = mmdb({"192.0.2.0/24": country("NZ")}, kind="Some-Country", built=NOW // 1000 - days * 86_400)
    line = lines(with_countries(tmp_path, data))["country file"]
    assert (line.level, line.message) == (level, f"Some-Country, made {days} days ago")
    assert bool(line.remedy) is (level == "warn")


@pytest.mark.parametrize("data", [None, b"no such file"])
def test_country_data_of_no_use_fails_once(tmp_path: Path, data: bytes | None):
    found = lines(with_countries(tmp_path, data))
    assert "data.country_file: " in found["config"].message
    assert [line.name for line in found.values() if line.level == "fail"] == ["config"]


def test_country_data_that_anyone_can_change_fails(tmp_path: Path):
    path = with_countries(tmp_path, countries(NZ="192.0.2.0/24"))
    (tmp_path / "countries.mmdb").chmod(0o666)
    assert lines(path)["countries"].level == "fail"
