"""Limits on what is new, as the reference model has them: who asked what, in which hop of the window.

The window hops in 32 sub-windows. A prompt is remembered with the hop it was last used in and the output that is paid
for it; each charge is remembered with its hop, one by one.
"""

from dataclasses import dataclass, field

from gateway.core.units import prompt_and_tokens

HOPS = 32


@dataclass
class Charge:
    """Output tokens of one request, while it is open (and afterwards) counted in `hop`."""

    hop: int
    tokens: int
    prompt: int


@dataclass
class RefNew:
    window_s: int
    counts_tokens: bool
    newest: int = 0
    seen: dict = field(default_factory=dict)  # prompt -> [hop, paid]
    charges: list = field(default_factory=list)
    open: dict = field(default_factory=dict)  # reservation -> its Charge

    @classmethod
    def none(cls, spec):
        return cls(spec.window_s, spec.unit == "unique_output_tokens")

    @property
    def hop_ms(self):
        return -(-self.window_s * 1000 // (HOPS - 1))

    def running(self, now):
        """The clock's hop, or the newest one while the clock is at most a window behind it."""
        hop = now // self.hop_ms
        return self.newest if self.newest - HOPS <= hop <= self.newest else hop

    def catch_up(self, now):
        hop = self.running(now)
        if hop < self.newest:  # it had leapt ahead: what it remembers counts from now
            for one in self.seen.values():
                one[0] = hop
            for charge in self.charges:
                charge.hop = hop
        self.newest = hop
        self.seen = {prompt: one for prompt, one in self.seen.items() if one[0] > hop - HOPS}
        self.charges = [charge for charge in self.charges if charge.hop > hop - HOPS]

    def paid(self, prompt):
        return self.seen.get(prompt, [0, 0])[1]

    def used_since(self, first):
        if self.counts_tokens:
            return sum(charge.tokens for charge in self.charges if charge.hop >= first)
        return sum(hop >= first for hop, _ in self.seen.values())

    def cost(self, amount):
        prompt, tokens = prompt_and_tokens(amount)
        if self.counts_tokens:
            return max(0, tokens - self.paid(prompt))
        return int(amount > 0 and prompt not in self.seen)

    def wait(self, amount, size, now):
        self.catch_up(now)
        cost = self.cost(amount)
        if cost == 0 or self.used_since(0) + cost <= size:
            return 0
        if cost > size:
            return None
        hop = self.newest - HOPS
        while self.used_since(hop) + cost > size:
            hop += 1
        return max(1, (hop - 1 + HOPS) * self.hop_ms - now)

    def reading(self, size, now):
        """What is left, and the time until the window is empty."""
        hop = self.running(now)
        used = self.used_since(hop - HOPS + 1)
        hops = (
            [one.hop for one in self.charges if one.tokens]
            if self.counts_tokens
            else [h for h, _ in self.seen.values()]
        )
        return size - used, max(0, (min(max(hops), hop) + HOPS) * self.hop_ms - now) if hops else 0

    def take(self, name, amount):
        if not amount:
            return
        prompt, _ = prompt_and_tokens(amount)
        if self.counts_tokens:
            self.open[name] = Charge(self.newest, self.cost(amount), prompt)
            self.charges.append(self.open[name])
        self.seen[prompt] = [self.newest, self.paid(prompt)]

    def close(self, name, actual, now):
        """End a reservation: its prompt has paid for the largest output."""
        if name not in self.open:
            return
        self.catch_up(now)
        charge, (_, written) = self.open.pop(name), prompt_and_tokens(actual)
        if not any(one is charge for one in self.charges):
            return
        charge.tokens = max(0, written - self.paid(charge.prompt))
        if charge.prompt in self.seen:
            self.seen[charge.prompt][1] = max(self.paid(charge.prompt), written)

    def idle(self, now):
        first = self.running(now) - HOPS + 1
        remembered = any(hop >= first for hop, _ in self.seen.values()) or any(one.hop >= first for one in self.charges)
        return not (self.open or remembered)
