"""nginx twice: as the plain proxy that everything is compared with, and as the upstream of whole answers.

A mock in Python would be the bottleneck of the plain proxy; nginx answers from its configuration.
"""

import getpass
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.process import child, wait_listening

ANSWER = (
    '{"id":"chatcmpl-0123456789abcdef0123456789","object":"chat.completion","created":1760000000,"model":"bench-model",'
    '"system_fingerprint":"fp_0123456789","choices":[{"index":0,"message":{"role":"assistant","content":"The still is '
    "gauged by the excise officer, who reads the hydrometer, notes the strength of the spirit and seals the cask "
    'before it may leave the bonded warehouse. No duty, no departure."},"logprobs":null,"finish_reason":"stop"}],'
    '"usage":{"prompt_tokens":212,"completion_tokens":44,"total_tokens":256,"prompt_tokens_details":'
    '{"cached_tokens":0}},"service_tier":"default"}'
)

_MAIN = """\
{user}daemon off;
worker_processes 1;
worker_rlimit_nofile 16384;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 16384; }}
http {{
  access_log off;
  keepalive_requests 100000000;
  keepalive_timeout 75s;
  client_body_buffer_size 128k;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
{servers}}}
"""

_PROXY = """\
  upstream to_{upstream} {{ server 127.0.0.1:{upstream}; keepalive 256; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    location / {{
      proxy_pass http://to_{upstream};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }}
  }}
"""

_MOCK = """\
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    location / {{ default_type application/json; return 200 '{answer}'; }}
  }}
"""


def proxy_servers(ports: dict[int, int]) -> str:
    """Plain proxies: listening port → upstream port."""
    return "".join(_PROXY.format(port=port, upstream=upstream) for port, upstream in ports.items())


def mock_server(port: int) -> str:
    return _MOCK.format(port=port, answer=ANSWER)


@contextmanager
def nginx(program: str, folder: Path, servers: str, port: int, where: set[int]) -> Iterator[subprocess.Popen[bytes]]:
    """Listening on `port` (and what else `servers` says) while the block runs. One worker."""
    folder.mkdir()
    user = f"user {getpass.getuser()};\n" if os.geteuid() == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(_MAIN.format(user=user, folder=folder, servers=servers))
    log = folder / "log"
    with child([program, "-p", str(folder), "-e", "stderr", "-c", str(config)], where, log) as process:
        wait_listening(process, log, port)
        yield process
