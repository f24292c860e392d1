"""What the readers of output take out of streams and whole answers, in a form that tests can write down."""

import json

from gateway.core.sse import EventFramer
from gateway.dialects import DIALECTS

BY_NAME = {dialect.name: dialect for dialect in DIALECTS}


def read(name, stream):
    """Texts by lane, with `|` where a part ends, of a stream or of single events."""
    reader = BY_NAME[name].output_texts()
    events = stream if isinstance(stream, list) else EventFramer().feed(stream)
    said = {}
    for event in events:
        pieces = reader.read(event)
        assert pieces is not None, event
        for lane, text in pieces:
            said[lane] = said.get(lane, "") + (text or "|")
    return [text.strip("|") for text in said.values()]


def whole(name, document):
    pieces = BY_NAME[name].output_texts().whole(json.dumps(document).encode())
    said = {}
    for lane, text in pieces:
        said[lane] = said.get(lane, "") + (text or "|")
    return [text.strip("|") for text in said.values()]
