"""One plain request body per dialect, and what it is made of."""

HELLO = [{"role": "user", "content": "hello"}]

MINIMAL = {
    "chat": {"model": "m", "messages": HELLO},
    "completions": {"model": "m", "prompt": "hello"},
    "embeddings": {"model": "m", "input": "hello"},
    "responses": {"model": "m", "input": "hello"},
    "messages": {"model": "m", "messages": HELLO, "max_tokens": 5},
    "count_tokens": {"model": "m", "messages": HELLO},
}
