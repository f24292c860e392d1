"""A throw-away certificate authority, made by the openssl command once per test run."""

import shutil
import ssl
import subprocess

from tests.support.needs import missing


def authority(folder):
    """ca.pem, server.pem/.key for 127.0.0.1 and client.pem/.key in `folder`. Needs openssl."""
    if shutil.which("openssl") is None:
        missing("needs the openssl command")
    extra = {"server": "subjectAltName=IP:127.0.0.1", "client": "extendedKeyUsage=clientAuth"}
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    _openssl(
        "req", "-x509", *new, "-subj", "/CN=test authority", "-keyout", folder / "ca.key", "-out", folder / "ca.pem"
    )
    for name, extension in extra.items():
        signer = ["-CA", folder / "ca.pem", "-CAkey", folder / "ca.key", "-addext", extension, "-subj", f"/CN={name}"]
        _openssl("req", "-x509", *new, *signer, "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem")
    return folder


def server_context(folder, *, ask_client=False):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    if ask_client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(folder / "ca.pem")
    return context


def _openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
