"""The whole state of a ledger as plain data, what equals no state left out."""

from gateway.engine.bucket import Bucket
from gateway.engine.budget import KEEP_MS, Budget


def dump(ledger, now_ms):
    states = {}
    for key, state in sorted(ledger.states.by_key.items()):
        if isinstance(state, Bucket):
            if state.held or state._refilled(now_ms) < state.cap:
                states[key] = (state.spec, state._refilled(now_ms), state.held)
        elif isinstance(state, Budget):
            kept = [row for row in state.rows.values() if row.held or (row.used and row.end_ms + KEEP_MS > now_ms)]
            rows = {row.label: (row.used, row.held) for row in kept}
            if rows:
                states[key] = rows
        elif state.leases:
            states[key] = sorted(state.leases)
    live = {r.id: (r.expires_at_ms, [(h[1].key, h[2]) for h in r.holds]) for r in ledger._live.values()}
    tombs = sorted(name for until, name in ledger._tombstones._expired_ends if until > now_ms)
    return states, live, [name for name in tombs if name in ledger._tombstones]
