"""What a rule may ask about one request. What costs something is found out when the first rule asks for it."""

from collections.abc import Callable, Mapping
from typing import Final

from gateway.core.ask import Ask
from gateway.dialects.parameters import Parameters
from gateway.dialects.texts import PARTS, Texts
from gateway.identity.addresses import Address
from gateway.policy.recent import AccountMemory
from gateway.policy.situation import Situation
from gateway.texts.index import TextIndex

_NONE: Final[Mapping[str, str]] = {}


def _unknown() -> Address | None:
    return None


def nowhere(_: Address) -> str:
    """The country of every address where no file says more."""
    return ""


class Inquiry:
    """One request as rules see it. Texts are read once, searched once for each set of parts that rules look at."""

    __slots__ = (
        "_found", "_parameters", "_texts", "ask", "country_of", "headers", "here", "hides_text", "index", "memory",
        "read_address", "read_parameters", "read_texts", "said",
    )  # fmt: skip

    def __init__(
        self,
        here: Situation,
        ask: Ask,
        read_texts: Callable[[], Texts],
        read_parameters: Callable[[], Parameters],
        *,
        headers: Mapping[str, str] = _NONE,
        read_address: Callable[[], Address | None] = _unknown,
        country_of: Callable[[Address], str] = nowhere,
        memory: AccountMemory | None = None,
        hides_text: bool = False,
        index: TextIndex | None = None,
    ) -> None:
        self.here = here
        self.ask = ask
        self.read_texts = read_texts
        self.read_parameters = read_parameters
        self.headers = headers
        """By lower-case name, or case-insensitive."""
        self.read_address = read_address
        """The caller's address, None where it is not known: behind a proxy that nobody trusts."""
        self.country_of = country_of
        """Two letters for an address, "" where the data does not know it."""
        self.memory = memory if memory is not None else AccountMemory()
        """What the account's earlier requests left behind in this process."""
        self.hides_text = hides_text
        """A long piece of base64 stands where text may stand, and was not looked into."""
        self.index = index
        """All text patterns of the policy set."""
        self.said: dict[str, bool | None] = {}
        """What each fragment came to, by name: it is asked once, however many rules use it."""
        self._texts: Texts | None = None
        self._parameters: Parameters | None = None
        self._found: dict[tuple[str, ...], tuple[frozenset[int], bool]] = {}

    @property
    def texts(self) -> Texts:
        if self._texts is None:
            self._texts = self.read_texts()
        return self._texts

    @property
    def parameters(self) -> Parameters:
        if self._parameters is None:
            self._parameters = self.read_parameters()
        return self._parameters

    @property
    def address(self) -> Address | None:
        return self.read_address()

    @property
    def client_country(self) -> str:
        address = self.read_address()
        return "" if address is None else self.country_of(address)

    def found(self, parts: frozenset[str]) -> tuple[frozenset[int], bool]:
        """The patterns that occur in these parts of the request, and whether all of the text was searched.

        Pictures and sounds are no text; a prompt of token ids is one that nobody here can read.
        """
        # Most requests have text in one part only: rules that look at more of them share one search.
        filled = tuple(part for part in PARTS if part in parts and getattr(self.texts, part))
        known = self._found.get(filled)
        if known is None:
            assert self.index is not None
            pieces = [piece for part in filled for piece in getattr(self.texts, part)]
            found = self.index.search_pieces(pieces)
            complete = found.complete and not self.hides_text and "token_ids" not in self.texts.unread
            known = self._found[filled] = (found.indices, complete)
        return known
