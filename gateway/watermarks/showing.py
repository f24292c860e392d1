"""Whether the mark shows in an answer that was just issued: a count over many answers says if marking works at all."""

from gateway.watermarks.contrast import contrasts
from gateway.watermarks.issued import Marking
from gateway.watermarks.words import read_words


def showing(text: str, marking: Marking, account: str) -> tuple[int, int]:
    """Of the pairs that the text uses and the mark covers: how many lean to the favoured word, and how many do not.

    Half and half without a mark. No single text says anything.
    """
    marker, manner = marking.marker, marking.manner
    if marker is None or manner is None:
        return 0, 0
    tokens = marker.mark(account, marking.roll, marking.list_index, manner).tokens()
    agree = disagree = 0
    for at, weight in contrasts(read_words(text).words, marker.table).items():
        pair = marker.table.pairs[at]
        first, second = pair.first_token in tokens, pair.second_token in tokens
        if first != second:
            if (weight > 0) == first:
                agree += 1
            else:
                disagree += 1
    return agree, disagree
