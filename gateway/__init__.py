"""Excise: a rate-limiting and usage-policy gateway in front of an inference API.

A request becomes an Exchange. The pipeline asks each room one question about it, in order, and the first
refusal ends the walk. Whatever happened, the Exchange is settled and recorded exactly once.

The rooms, top-down (upper may import lower, never upward; siblings in one line never import each other):

    cli         commands                         server      sockets, signals, the two control listeners
    runtime     builds everything from settings  pipeline    the phases of one request, in order
    policy      which rules apply                identity    who is calling
    dialects    what they ask                    upstreams   who answers
    accounting  what it costs                    observe     what is seen of it
    stores      where usage is kept              engine      the pure ledger
    config, catalogue, yamlio                    settings, model facts, strict YAML
    core        the vocabulary, no I/O
"""

__version__ = "0.1.0"
