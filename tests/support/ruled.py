"""Rules in a running gateway: which rule holds of a request is chosen by its header `want`.

scene = Scene(stack, tmp_path, policy(more=rules(deny="deny", later="{slow: 2s}")))
assert scene.ask("chat", want="deny").status == 403
assert (scene.reached, scene.findings) == (0, [("deny", "deny", "enforce", "policy_denied")])
"""

import json

from tests.support import transcripts
from tests.support.recording import ANSWER, recording
from tests.support.running import running
from tests.support.talking import STREAMED, ask
from tests.support.witnessed import in_chunks

PATHS = ("chat", "completions", "responses", "messages", "embeddings", "count_tokens")
EVERY = [*((dialect, False) for dialect in PATHS), *((dialect, True) for dialect in STREAMED)]
"""Dialect, and whether its answer is a stream."""
STREAMS = {
    "chat": transcripts.chat(["fine"], with_usage=True),
    "completions": transcripts.completions(["fine"], with_usage=True),
    "responses": transcripts.responses(["fine"]),
    "messages": transcripts.messages(["fine"]),
}
WORDS = "clause: {document: Terms, section: '4'}\non_violation: {message: Ask us first, contact: trust@example.com}\n"


def rules(**actions):
    """One rule for each: it holds where the header `want` names it."""
    each = (f"{name}: {{when: {{headers: {{want: {name}}}}}, then: {then}}}" for name, then in actions.items())
    return f"rules: {{{', '.join(each)}}}\n"


class Scene:
    """A gateway and its upstream."""

    def __init__(self, stack, folder, policies, **more):
        self.upstream = stack.enter_context(recording())
        self.gateway = stack.enter_context(
            running(folder, upstream=self.upstream.url + "/v1", policies=policies, **more)
        )

    def ask(self, dialect="chat", want="", *, stream=False, script=ANSWER, headers=(), **more):
        """One request; a stream is answered with one."""
        before = self.upstream.count()
        self.upstream.play(in_chunks(STREAMS[dialect], "events") if stream else script)
        if stream:
            more["stream"] = True
        if want:
            headers = (*headers, f"want: {want}".encode())
        answer = ask(self.gateway, dialect, headers=headers, **more)
        self.gateway.settled()
        self.reached = self.upstream.count() - before
        return answer

    @property
    def record(self):
        return self.gateway.records()[0]

    @property
    def sent(self):
        return json.loads(self.upstream.bodies()[-1])

    @property
    def findings(self):
        return [(found.rule, found.action, found.mode, found.reason) for found in self.record.findings]


def error_of(answer, dialect):
    """The error and its details, in the shape that each family's SDK expects."""
    document = answer.json()
    error = document["error"]
    if dialect in ("messages", "count_tokens"):
        assert (document["type"], error["type"]) == ("error", "permission_error")
        assert document["request_id"] == answer.header("request-id")
        return error, error["details"]
    assert (error["type"], error["param"]) == ("request_forbidden", None)
    return error, error["metadata"]
