"""Whatever a tokenizer answers: no word gets into a table whose token is not its own and does not come back as it."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.token_sources import TokenFile, TokensFailed, tokens_for

WORDS = [f"w{n}" for n in range(60)]
UNKNOWN = 7


class Odd:
    """Honest but for `shared` words of one token, `lost` ones that come back as another, `split` ones of several."""

    name = "odd"

    def __init__(self, shared=(), lost=(), split=(), *, mute=False):
        self.shared, self.lost, self.split, self.mute = set(shared), set(lost), set(split), mute
        self.asked = []

    def tokens_of(self, words, learned):
        for word in words:
            self.asked.append(word)
            learned(word, None if word in self.split else UNKNOWN if word in self.shared else 100 + WORDS.index(word))

    def text_of(self, tokens):
        if self.mute:
            return None
        words = ["?" if token == UNKNOWN else WORDS[token - 100] for token in tokens]
        return "<bos>the" + "".join(" ?" if word in self.lost else f" {word}" for word in words)


def learn(source, words=WORDS):
    with tempfile.TemporaryDirectory() as folder:
        return tokens_for(words, source, TokenFile(Path(folder) / "kept", source.name))


SOME = st.sets(st.sampled_from(WORDS), max_size=12)


@given(SOME, SOME, SOME, st.booleans())
def test_only_words_with_a_token_of_their_own_that_comes_back(shared, lost, split, mute):
    source = Odd(shared, lost, split, mute=mute)
    found = set(WORDS) - split
    unknown = shared & found
    clash = unknown if len(unknown) > 1 else set()
    wrong = set() if mute else (lost | unknown) & found - clash
    try:
        tokens, checked = learn(source)
    except TokensFailed:
        assert len(clash) > len(found) / 10 or len(wrong) > (len(found) - len(clash)) / 10
        return
    assert set(tokens) == found - clash - wrong
    assert ("no way to ask" in checked) == mute


@given(st.lists(st.sampled_from(WORDS), unique=True), st.lists(st.sampled_from(WORDS), unique=True))
def test_nothing_is_asked_twice_but_a_few_words_to_compare(first, second):
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "kept"
        tokens_for(first, Odd(), TokenFile(kept, "odd"))
        source = Odd()
        tokens, _ = tokens_for(second, source, TokenFile(kept, "odd"))
    assert tokens == {word: 100 + WORDS.index(word) for word in second}
    again = [word for word in source.asked if word in first]
    assert len(again) <= 16
    assert [word for word in source.asked if word not in first] == [word for word in second if word not in first]


def test_answers_of_another_tokenizer_are_not_mixed():
    with tempfile.TemporaryDirectory() as folder:
        kept = TokenFile(Path(folder) / "kept", "odd")
        tokens_for(WORDS, Odd(), kept)
        with pytest.raises(TokensFailed, match="remove it"):
            tokens_for(WORDS, Odd(split=WORDS), kept)
        assert TokenFile(kept.path, "even").known == {}
