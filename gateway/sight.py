"""What detectors get to see of a request: an excerpt taken while its text is there, handed over when it is answered.

The excerpt is taken while the upstream works on the request, so that no answer waits for it, and let go with the
exchange. Nothing of it is recorded: `detectors` turn it into counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from gateway.accounting.amounts import Work
from gateway.accounting.outcome import Outcome
from gateway.core.ask import Ask
from gateway.core.prompts import fingerprint
from gateway.detectors.facts import Facts, ends
from gateway.detectors.watchtower import Watchtower
from gateway.exchange import Excerpt, Exchange
from gateway.identity.addresses import Network, Places, product

_ANSWERED: Final = (Outcome.COMPLETE, Outcome.CLIENT_GONE, Outcome.BUDGET_ENDED, Outcome.POLICY_ENDED)
"""Endings that say something about the caller. Where an upstream broke off, it would look as if callers had left."""


@dataclass(slots=True)
class Sight:
    """Between the exchanges and the watchtower."""

    watchtower: Watchtower
    key: bytes
    """Of the fingerprints; 1 to 64 bytes."""
    trusted: Sequence[Network] = ()
    """Proxies that are believed about who is behind them."""
    _places: Places = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._places = Places(self.trusted)

    def glance(self, x: Exchange) -> None:
        """Take the excerpt of a request that makes something be written; once, and before its text is let go.

        Never raises: what a text may do to us is counted as dropped, and the request goes on.
        """
        ask = x.ask
        if x.excerpt is not None or x.outcome is not None or ask is None or not ask.user_turns:
            return
        try:
            x.excerpt = self._excerpt(x, ask)
        except Exception:  # noqa: BLE001 - whatever it was, its message may hold a caller's words
            self.watchtower.dropped += 1

    def _excerpt(self, x: Exchange, ask: Ask) -> Excerpt:
        text = ask.last_user_text
        head, tail = ends(text)
        prompt = (x.prompt if text else 0) or fingerprint(text, self.key)
        client = product(x.headers.get("user-agent", ""))
        return Excerpt(prompt, head, tail, network=self._places.of(x.origin), client=client)

    def look(self, x: Exchange) -> None:
        """Hand over what is known of a finished exchange that was answered; its excerpt is let go in any case."""
        excerpt, x.excerpt = x.excerpt, None
        if excerpt is None or x.forwarded is None or x.settlement is None or x.outcome not in _ANSWERED:
            return
        if x.reservation is None or x.reservation.work is not Work.GENERATE:
            return
        principal, ask, model = x.principal, x.ask, x.model
        assert principal is not None
        assert ask is not None
        assert model is not None
        account, usage = principal.account, x.settlement.usage
        self.watchtower.see(
            Facts(
                account=account.id,
                key_id=principal.key_id,
                tier=account.tier,
                prompt=excerpt.prompt,
                head=excerpt.head,
                tail=excerpt.tail,
                user_turns=ask.user_turns,
                history=ask.user_turns > 1,
                logprobs=ask.logprobs,
                choices=ask.choices,
                stream=ask.stream,
                completed=x.outcome is Outcome.COMPLETE,
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                account_age_s=_age_s(x.started_ms, account.created_ms),
                model_age_s=_age_s(x.started_ms, model.created * 1000),
                network=excerpt.network,
                client=excerpt.client,
            )
        )


def _age_s(now_ms: int, since_ms: int) -> int | None:
    """Seconds, None where the beginning (Unix ms) is not known."""
    return max(0, now_ms - since_ms) // 1000 if since_ms else None
