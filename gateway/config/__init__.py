"""Settings: what can be set, where each value came from, and whether the whole makes sense."""

from gateway.config.load import Config, load_config
from gateway.config.secrets import SecretMissing, upstream_key
from gateway.config.settings import Settings
from gateway.config.upstream import UpstreamEntry

__all__ = ["Config", "SecretMissing", "Settings", "UpstreamEntry", "load_config", "upstream_key"]
