"""HTTPS on the data listener, and a certificate that is replaced while the gateway runs."""

import shutil
import socket
import ssl

import openai

from tests.support import tls
from tests.support.running import running


def served_certificate(port):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port)) as plain, context.wrap_socket(plain) as secured:
        return secured.getpeercert(binary_form=True)


def test_https_and_a_new_certificate_without_restart(tmp_path):
    folder = tls.authority(tmp_path)
    for name in ("server.pem", "server.key"):
        shutil.copy(folder / name, tmp_path / f"live-{name}")
    settings = {
        "data": {"port": 0, "tls": {"cert_file": "live-server.pem", "key_file": "live-server.key"}},
        "reload_poll_s": 3600,
    }
    with running(tmp_path, settings=settings) as gateway:
        port = gateway.gateway.data_port
        context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
        url = f"https://127.0.0.1:{port}/v1"
        with openai.OpenAI(
            base_url=url, api_key=gateway.keys["acme"], http_client=openai.DefaultHttpxClient(verify=context)
        ) as client:
            answer = client.chat.completions.create(
                model="sim-small", max_tokens=3, messages=[{"role": "user", "content": "hi"}]
            )
        assert answer.usage.completion_tokens == 3

        before = served_certificate(port)
        renewed = tmp_path / "renewed"
        renewed.mkdir()
        tls.authority(renewed)
        (tmp_path / "live-server.pem").write_text("not a certificate")
        assert gateway.call(gateway.runtime.reload())
        assert served_certificate(port) == before
        shutil.copy(renewed / "server.pem", tmp_path / "live-server.pem")
        [problem] = gateway.call(gateway.runtime.reload())  # its key has not been written yet
        assert problem.startswith("data.tls: ")
        assert served_certificate(port) == before
        shutil.copy(renewed / "server.key", tmp_path / "live-server.key")
        assert gateway.call(gateway.runtime.reload()) == []
        after = served_certificate(port)
        assert after != before
        assert after == ssl.PEM_cert_to_DER_cert((renewed / "server.pem").read_text())
