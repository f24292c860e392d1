"""From an answer to its account: what a running gateway kept is what `gateway trace` finds."""

import json
from random import Random

import pytest

from gateway.cli.main import main
from tests.support.receipts import EPOCH, settings
from tests.support.recording import recording
from tests.support.registries import edited, prose
from tests.support.running import running
from tests.support.talking import ask, policy
from tests.support.upstream import chunk, ok

POLICIES = {
    **policy(name="kept", match="{account: [acme, globex]}", more="watermark: {scheme: none, registry: true}\n"),
    **policy("r: {unit: requests, per: account, amount: 1000000, window: 1m}", name="everyone"),
}
USAGE = {"prompt_tokens": 3, "completion_tokens": 400, "total_tokens": 403}
PICK = Random(13)
WHOLE, STREAMED, UNKEPT, ECHOED = (" ".join(prose(PICK, 250)) for _ in range(4))


def whole(text):
    message = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
    return ok(json.dumps({"id": "r", "object": "chat.completion", "choices": [message], "usage": USAGE}).encode())


def stream(text):
    """Words cut in the middle, as tokens cut them."""
    pieces = [text[at : at + 7] for at in range(0, len(text), 7)]
    events = [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]
    events += [{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}, {"choices": [], "usage": USAGE}]
    lines = [json.dumps({"id": "r", "object": "chat.completion.chunk", **event}) for event in events]
    data = "".join(f"data: {line}\n\n" for line in [*lines, "[DONE]"]).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return (head, chunk(data), b"0\r\n\r\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What a gateway leaves behind that served four answers and was stopped."""
    folder = tmp_path_factory.mktemp("traced")
    with recording() as upstream:
        scripts = [whole(WHOLE), stream(STREAMED), whole(UNKEPT), whole(ECHOED)]
        upstream.play(*scripts)
        with running(folder, upstream=upstream.url + "/v1", policies=POLICIES, settings=settings(folder)) as gateway:
            assert ask(gateway).status == 200
            assert ask(gateway, key=gateway.keys["globex"], stream=True).status == 200
            assert ask(gateway, key=gateway.keys["ada"]).status == 200
            quoted = [{"role": "user", "content": f"Repeat: {ECHOED}"}]
            assert ask(gateway, messages=quoted).status == 200
            gateway.settled()
    return folder


@pytest.mark.parametrize(
    ("text", "accounts"), [(WHOLE, ["acme"]), (STREAMED, ["globex"]), (UNKEPT, []), (ECHOED, [])],
    ids=["whole", "streamed", "no policy asked", "from the prompt"],
)  # fmt: skip
def test_an_answer_leads_to_the_account_it_was_served_to(folder, tmp_path, capsys, text, accounts):
    leaked = tmp_path / "leaked.txt"
    for words in (text, " ".join(edited(Random(3), text.split()[50:200], 0.08)), text.upper().replace(" ", "  **")):
        leaked.write_text(words)
        assert main(["trace", str(leaked), "--config", str(folder / "gateway.yaml"), "--json"]) == 0
        document = json.loads(capsys.readouterr().out)
        assert [holder["account"] for holder in document["texts"][0]["holders"]] == accounts
        assert document["searched"]["folders"] == [f"test/{EPOCH}"]
        assert document["searched"]["answers"] == 3


def test_no_word_is_on_disk(folder):
    files = [path.read_bytes() for path in (folder / "provenance" / "registry").rglob("*") if path.is_file()]
    assert len(files) >= 3
    for text in (WHOLE, STREAMED, ECHOED):
        for word in {word.encode() for word in text.split() if len(word) > 5}:
            assert not any(word in data for data in files)
