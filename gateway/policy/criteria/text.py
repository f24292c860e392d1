"""`text`: what the caller wrote: phrases, word lists, RE2 patterns, and the lexicons that come with the gateway.

Texts are compared in their matching form (gateway/texts/form.py), over all messages and content parts, and across the
cuts between them. What was found is kept as numbers of patterns: no text leaves the request.
"""

from typing import Annotated, Any, Final, Self

from pydantic import BeforeValidator, Field, model_validator

from gateway.dialects.texts import PARTS
from gateway.policy.criteria.base import Asked, AskTest, Compiling
from gateway.policy.inquiry import Inquiry
from gateway.policy.scalars import Words
from gateway.scalars import Slug as Name
from gateway.scalars import Text, one_or_many
from gateway.texts.lexicons import LEXICONS
from gateway.texts.patterns import Pattern, Phrase, Regex
from gateway.texts.patterns import Words as WordList
from gateway.validate import Strict, nearest

MAX_PATTERN: Final = 1000
"""Characters of one RE2 pattern."""


def _part(value: Any) -> Any:
    for word in value if isinstance(value, tuple) else ():
        if word not in PARTS:
            raise ValueError(f"unknown part '{word}'{nearest(str(word), PARTS)}")
    return value


def _lexicon(value: Any) -> Any:
    for word in value if isinstance(value, tuple) else ():
        if word not in LEXICONS:
            raise ValueError(f"unknown lexicon '{word}'{nearest(str(word), LEXICONS)}")
    return value


def _many(check: Any) -> BeforeValidator:
    return BeforeValidator(lambda value: check(one_or_many(value)))


class TextMatch(Strict):
    """Holds when one of the phrases, words, patterns or lexicons occurs."""

    in_: Annotated[tuple[Text, ...], _many(_part), Field(min_length=1)] = Field(
        default=PARTS, alias="in", description=f"Where: any of {', '.join(PARTS)}; all of them when absent."
    )
    phrases: Words | None = Field(default=None, description="Compared without regard to case, width or disguise.")
    words: Annotated[tuple[Name, ...], BeforeValidator(one_or_many), Field(min_length=1)] | None = Field(
        default=None, description="Names of word lists in definitions.yaml."
    )
    patterns: (
        Annotated[tuple[Annotated[Text, Field(max_length=MAX_PATTERN)], ...], _many(lambda value: value)] | None
    ) = Field(default=None, description="RE2 patterns over the matching form.")
    lexicon: Annotated[tuple[Text, ...], _many(_lexicon), Field(min_length=1)] | None = Field(
        default=None, description="Word lists that come with the gateway."
    )

    @model_validator(mode="after")
    def _looks_for_something(self) -> Self:
        if not (self.phrases or self.words or self.patterns or self.lexicon):
            raise ValueError("expected phrases, words, patterns or lexicon")
        return self


def patterns_of(value: TextMatch, compiling: Compiling) -> list[Pattern]:
    """Everything that a text criterion looks for. Raises ValueError for an unknown word list."""
    wanted: list[Pattern] = [Phrase(phrase) for phrase in value.phrases or ()]
    wanted += [WordList(compiling.words(name)) for name in value.words or ()]
    wanted += [Regex(source) for source in value.patterns or ()]
    wanted += [pattern for name in value.lexicon or () for pattern in LEXICONS[name]]
    return wanted


def _compile(value: TextMatch, compiling: Compiling) -> AskTest:
    wanted = compiling.patterns(patterns_of(value, compiling))
    parts = frozenset(value.in_)

    def test(inquiry: Inquiry) -> bool | None:
        found, complete = inquiry.found(parts)
        if not wanted.isdisjoint(found):
            return True
        return False if complete else None

    return test


def _fact(inquiry: Inquiry) -> str:
    size = sum(len(piece) for part in PARTS for piece in getattr(inquiry.texts, part))
    return f"{size} characters of text"


CRITERION: Asked = Asked("text", "text_found", "text_not_found", _compile, _fact)
