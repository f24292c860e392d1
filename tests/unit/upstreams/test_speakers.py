"""Which upstreams of a model may serve a request, sorted once."""

from gateway.upstreams.settings import UpstreamSettings
from gateway.upstreams.speakers import Speakers
from tests.support.bridging import World


def upstream(name, kind, *dialects, pass_unknown=False):
    return UpstreamSettings(name, kind, "http://127.0.0.1:1/v1", frozenset(dialects), pass_unknown=pass_unknown)


ALL = Speakers(
    [
        upstream("a", "openai", "chat"),
        upstream("b", "vllm", "chat", "embeddings"),
        upstream("c", "openai", "chat", pass_unknown=True),
        upstream("d", "vllm", "chat"),
        upstream("e", "azure", "embeddings"),
    ]
)


def test_each_sort_is_asked_once_in_the_order_of_the_list():
    chat = ALL.of("chat")
    assert chat.names == ("a", "b", "c", "d")
    assert chat.sorts == (("openai", False), ("vllm", False), ("openai", True))
    assert chat.kinds == {"openai", "vllm"}


def test_whatever_sort_refuses_is_left_out_with_all_of_its_upstreams():
    left = ALL.of("chat").without([("vllm", False), ("openai", False)])
    assert (left.names, left.kinds, left.sorts) == (("c",), {"openai"}, (("openai", True),))
    assert ALL.of("messages").names == ()


def test_a_bridge_works_them_out_once():
    bridge = World(one=[], two=[]).bridge
    found = bridge.speakers(("one", "two"), "chat")
    assert found.names == ("one", "two")
    assert bridge.speakers(("one", "two"), "chat") is found
    assert bridge.speakers(("two",), "chat").names == ("two",)
    assert bridge.speakers(("one", "two"), "messages").names == ()
