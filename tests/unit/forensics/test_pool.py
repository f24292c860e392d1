"""The pool: all documents, or those with the smallest digests; code that never ends takes none along."""

from hashlib import sha256

from gateway.forensics.pool import Pool


def digest(text):
    return sha256(text.encode()).hexdigest()


def pooled(texts, most=1000):
    pool = Pool(most)
    for text in texts:
        pool.add(digest(text), text)
    return pool


def test_everything_where_there_is_room():
    pool = pooled(["one", "two", "three"])
    assert (len(pool), pool.offered) == (3, 3)
    assert sorted(pool.text().split("\n\n")) == ["one", "three", "two"]


def test_the_smallest_digests_stay_whatever_the_order():
    texts = [f"text number {number:04}" for number in range(200)]
    kept = sorted(texts, key=digest)[:50]
    for order in (texts, texts[::-1]):
        pool = pooled(order, most=50 * len(texts[0]))
        assert pool.text().split("\n\n") == kept


def test_one_text_that_is_too_large_stays():
    assert len(pooled(["x" * 5000])) == 1


def test_code_without_an_end_does_not_swallow_the_rest():
    text = pooled(["prose before\n```python\nx = 1", "other prose"]).text()
    assert "prose before" in text
    assert "other prose" in text
    assert "```" not in text
    whole = pooled(["a\n```\ncode\n```\nb"]).text()
    assert whole == "a\n```\ncode\n```\nb"
