"""What a rule may ask about one request. What costs something is found out when the first rule asks for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gateway.core.ask import Ask
from gateway.dialects.parameters import Parameters
from gateway.dialects.texts import PARTS, Texts
from gateway.identity.addresses import Address
from gateway.policy.recent import AccountMemory
from gateway.policy.situation import Situation
from gateway.texts.index import TextIndex


@dataclass(slots=True)
class Inquiry:
    """One request as rules see it. Texts are read once, searched once for each set of parts that rules look at."""

    here: Situation
    ask: Ask
    read_texts: Callable[[], Texts]
    read_parameters: Callable[[], Parameters]
    headers: Mapping[str, str] = field(default_factory=dict)
    """By lower-case name, or case-insensitive."""
    read_address: Callable[[], Address | None] = lambda: None
    """The caller's address, None where it is not known: behind a proxy that nobody trusts."""
    country_of: Callable[[Address], str] = lambda _address: ""
    """Two letters for an address, "" where the data does not know it."""
    memory: AccountMemory = field(default_factory=AccountMemory)
    """What the account's earlier requests left behind in this process."""
    hides_text: bool = False
    """A long piece of base64 stands where text may stand, and was not looked into."""
    index: TextIndex | None = None
    """All text patterns of the policy set."""
    _texts: Texts | None = None
    _parameters: Parameters | None = None
    _found: dict[tuple[str, ...], tuple[frozenset[int], bool]] = field(default_factory=dict)

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
