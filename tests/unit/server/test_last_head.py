"""The head that a connection sent last is known again, but for its length; everything else is read."""

from collections.abc import Callable

import pytest
from multidict import CIMultiDict

from gateway.server.known_heads import KnownHeads
from gateway.server.last_head import LastHead
from gateway.server.plain_head import PlainHead

PATH = "/v1/chat/completions"


class Counting(KnownHeads):
    """Counts what it is asked."""

    def __init__(self) -> None:
        super().__init__({PATH}, 100)
        self.asked = 0

    def read(self, head: bytes) -> PlainHead | None:
        self.asked += 1
        return super().read(head)


def raw(length: str = "12", *, key: str = "sk-one", name: str = "content-length: ", target: str = PATH) -> bytes:
    lines = (f"POST {target} HTTP/1.1", "host: h", f"{name}{length}", f"authorization: Bearer {key}", "a: b", "", "")
    return "\r\n".join(lines).encode()


def told(head: PlainHead | None) -> tuple[str, CIMultiDict[str], int] | None:
    return None if head is None else (head.target, head.headers, head.length)


@pytest.mark.parametrize("name", ["content-length: ", "Content-Length: ", "content-length:", "CONTENT-LENGTH: "])
def test_the_same_head_with_another_length_is_not_looked_up(name: str):
    known = Counting()
    last = LastHead(known)
    first = last.read(raw(name=name))
    for length in ("12", "12", "7", "7", "0", "123456789012345", "12"):
        fresh = KnownHeads({PATH}, 100).read(raw(length, name=name))
        assert told(last.read(raw(length, name=name))) == told(fresh)
    assert known.asked == 1
    assert first is not None
    assert (first.length, first.headers["content-length"]) == (12, "12"), "a head that is held elsewhere stays as it is"


@pytest.mark.parametrize("length", ["", " ", "1 ", "+1", "-1", "1_0", "٣", "1" * 16, "1\r\nx: y", "1, 2"])
def test_what_is_no_length_is_read(length: str):
    known = Counting()
    last = LastHead(known)
    last.read(raw())
    assert told(last.read(raw(length))) == told(KnownHeads({PATH}, 100).read(raw(length)))
    assert known.asked == 2


@pytest.mark.parametrize(
    "other",
    [raw(key="sk-two"), raw(target="/v1/embeddings"), raw()[:-2] + b"more: x\r\n\r\n", raw().replace(b"a: b", b"a: c"),
     raw()[: len(raw()) // 2], raw()[len(raw()) // 2 :], b""],
)  # fmt: skip
def test_another_head_is_read(other: bytes):
    known = Counting()
    last = LastHead(known)
    last.read(raw())
    assert told(last.read(other)) == told(KnownHeads({PATH}, 100).read(other))
    assert known.asked == 2


def test_the_claim_is_that_of_the_head():
    last = LastHead(KnownHeads({PATH}, 100))
    first, same, longer = (last.read(raw(length)) for length in ("12", "12", "999"))
    other = last.read(raw(key="sk-two"))
    assert first is not None
    assert same is not None
    assert longer is not None
    assert other is not None
    assert first.claimed is same.claimed
    assert vars_of(first.claimed) == vars_of(longer.claimed)
    assert vars_of(other.claimed) != vars_of(first.claimed)


def vars_of(claimed: object) -> str:
    return str(getattr(claimed, "text", ""))


@pytest.mark.parametrize("forget", [LastHead.let_go, lambda last: last.read(b"GET / HTTP/1.1\r\n\r\n")])
def test_nothing_is_kept_of_a_head_that_was_let_go(forget: Callable[[LastHead], object]):
    known = Counting()
    last = LastHead(known)
    last.read(raw())
    forget(last)
    before = known.asked
    assert last.read(raw()) is not None
    assert known.asked == before + 1
