import pytest

from gateway.upstreams.settings import UpstreamSettings


@pytest.mark.parametrize(
    ("url", "root"),
    [
        ("http://h:1", "http://h:1"),
        ("http://h:1/", "http://h:1"),
        ("http://h:1/v1", "http://h:1"),
        ("http://h:1/v1/", "http://h:1"),
        ("https://h/openai/v1", "https://h/openai"),
        ("https://h/prefix", "https://h/prefix"),
    ],
)
def test_root_has_no_version(url, root):
    assert UpstreamSettings("a", "generic", url, frozenset()).root == root
