"""Bodies with pictures in them: forwarded whole, though they were never parsed whole; text is not smuggled past."""

import base64
import json
import random

import openai

from tests.support.recording import recording
from tests.support.running import running

PICTURE = base64.b64encode(random.Random(2).randbytes(1_500_000)).decode()


def post(gateway, content):
    """The messages as they were sent."""
    messages = [{"role": "user", "content": content}]
    with openai.OpenAI(base_url=gateway.url + "/v1", api_key=gateway.keys["acme"], max_retries=0) as client:
        client.chat.completions.create(model="sim-small", max_tokens=5, messages=messages)
    gateway.settled()
    return messages


def test_a_picture_arrives_as_it_was_sent(tmp_path):
    parts = [
        {"type": "text", "text": "what is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}},
    ]
    with recording() as upstream, running(tmp_path, upstream=upstream.url) as gateway:
        sent = post(gateway, parts)
        assert json.loads(upstream.bodies()[0])["messages"] == sent
        # A picture is charged as a picture, not by its bytes.
        assert gateway.records()[0].reserved_input_tokens < 5000


def test_base64_as_text_is_weighed_as_text(tmp_path):
    with recording() as upstream, running(tmp_path, upstream=upstream.url) as gateway:
        sent = post(gateway, PICTURE)
        assert json.loads(upstream.bodies()[0])["messages"] == sent
        assert gateway.records()[0].reserved_input_tokens == 32768  # all of the model's context
