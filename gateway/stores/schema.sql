-- The usage journal. One owner process, one connection. Format 3.
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
-- A rate: credits and the instant of the last refill, in ticks.
CREATE TABLE bucket (key TEXT PRIMARY KEY, spec TEXT NOT NULL, level INTEGER NOT NULL, tick INTEGER NOT NULL)
  WITHOUT ROWID;
-- One period of a budget. charged = used + held when written; up to `ceiling` may have been spent since.
CREATE TABLE budget (
  key TEXT NOT NULL, label TEXT NOT NULL, spec TEXT NOT NULL, start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL,
  charged INTEGER NOT NULL, ceiling INTEGER NOT NULL, PRIMARY KEY (key, label)
) WITHOUT ROWID;
-- An open reservation, so that a successor can let it expire. holds: [[spec, label or null, amount], ...]; where output
-- of new prompts is counted a fourth member follows, [sub-window that holds it, tokens of it].
CREATE TABLE reservation (
  id TEXT PRIMARY KEY, reserved_at_ms INTEGER NOT NULL, expires_at_ms INTEGER NOT NULL,
  holds TEXT NOT NULL, on_expiry TEXT NOT NULL
) WITHOUT ROWID;
-- A limit on what is new. tokens: [[sub-window, output tokens], ...].
CREATE TABLE novelty (key TEXT PRIMARY KEY, spec TEXT NOT NULL, newest INTEGER NOT NULL, tokens TEXT NOT NULL)
  WITHOUT ROWID;
-- The prompts it remembers, as signed fingerprints, each with the sub-window of its last use and the output tokens that
-- are paid for it (0 takes no room).
CREATE TABLE prompt (
  key TEXT NOT NULL, prompt INTEGER NOT NULL, sub INTEGER NOT NULL, paid INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (key, prompt)
) WITHOUT ROWID;
-- The ledger: every amount that a budget was charged, in order. charged_by is a reservation's id; 'opening' for what a
-- counter starts with: carried over, promoted from audit mode, or what a crash may have spent unseen; 'closing' for one
-- that is no longer kept; 'summed' for entries that piled up while the disk failed.
CREATE TABLE entry (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, charged_by TEXT NOT NULL,
  key TEXT NOT NULL, label TEXT NOT NULL, amount INTEGER NOT NULL
);
-- The sum of the entries that are no longer kept.
CREATE TABLE checkpoint (key TEXT NOT NULL, label TEXT NOT NULL, amount INTEGER NOT NULL, PRIMARY KEY (key, label))
  WITHOUT ROWID;
