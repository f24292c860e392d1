"""The data plane's handler: what an exchange may hold on to while its answer comes."""

from tests.support import transcripts
from tests.support.rawhttp import CHAT, Raw, chat_body, request
from tests.support.recording import recording
from tests.support.running import running
from tests.support.upstream import EVENTS, chunk, stall

FIRST = transcripts.line(transcripts.chat_chunk({"content": "word"}))


def test_a_body_that_was_sent_is_let_go(tmp_path):
    """Else streams would hold far more request bytes than the budget for them allows."""
    with (
        recording([EVENTS, chunk(FIRST), stall]) as upstream,
        running(tmp_path, upstream=upstream.url + "/v1") as gateway,
        Raw(gateway.gateway.data_port) as raw,
    ):
        raw.send(request(CHAT, chat_body(stream=True), key=gateway.keys["acme"]))
        assert raw.head().status == 200
        [x] = gateway.runtime.live._tasks
        assert x.ask.prompt_bytes == len("hello")
        assert not x.ask.body
        assert x.ask.last_user_text == ""
        assert x.excerpt.head == "hello", "two short ends of it wait for the answer's end"
        assert gateway.gateway._data_plane._budget.used == 0
