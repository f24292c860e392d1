"""TLS towards upstreams."""

import functools
import ssl

from gateway.upstreams.settings import UpstreamSettings


def tls_context(settings: UpstreamSettings) -> ssl.SSLContext | None:
    """A context of its own where the settings ask for one; None means the one of everybody.

    Raises OSError for a file that cannot be used.
    """
    if settings.ca_file is None and settings.client_cert_file is None:
        return None
    context = ssl.create_default_context(cafile=settings.ca_file)
    if settings.client_cert_file is not None:
        context.load_cert_chain(settings.client_cert_file, settings.client_key_file)
    return context


@functools.cache
def system_context() -> ssl.SSLContext:
    """The system's authorities, verified, as aiohttp's client does by default; made once, for it reads many files."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(("http/1.1",))
    return context
