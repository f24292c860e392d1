"""Over TLS a connection changes its lane like any other."""

import shutil
import ssl

from tests.support import tls
from tests.support.bad_http import crafter
from tests.support.rawhttp import CHAT, Raw, chat_body, request
from tests.support.recording import recording
from tests.support.running import running


class Secured(Raw):
    def __init__(self, port, context):
        super().__init__(port)
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost")


def test_plain_and_odd_requests_on_one_connection(tmp_path):
    folder = tls.authority(tmp_path)
    for name in ("server.pem", "server.key"):
        shutil.copy(folder / name, tmp_path / f"live-{name}")
    certificate = {"cert_file": "live-server.pem", "key_file": "live-server.key"}
    settings = {"data": {"port": 0, "hot_lane": "on", "tls": certificate}}
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    context.check_hostname = False
    with (
        recording() as upstream,
        running(tmp_path, upstream=upstream.url + "/v1", settings=settings) as gateway,
    ):
        key, lane = gateway.keys["acme"], gateway.gateway._hot_lane
        plain = request(CHAT, chat_body("x" * 100_000), key=key)
        body = chat_body("chunked")
        chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        odd = crafter(key)(b"Transfer-Encoding: chunked", body=chunks)
        with Secured(gateway.gateway.data_port, context) as raw:
            raw.send(plain)
            assert raw.answer().status == 200
            assert lane.handed_over == 0
            raw.send(plain + odd + plain)
            assert [raw.answer().status for _ in range(3)] == [200, 200, 200]
            assert lane.handed_over == 1
            raw.send(plain)
            assert raw.answer().status == 200
            raw.send(b"BROKEN\r\n\r\n")
            assert raw.answer().status == 400
            assert raw.closed()
    assert upstream.count() == 5
