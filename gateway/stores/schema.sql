-- The usage journal. One owner process, one connection. Format 2.
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
-- A rate: credits and the instant of the last refill, in ticks.
CREATE TABLE bucket (key TEXT PRIMARY KEY, spec TEXT NOT NULL, level INTEGER NOT NULL, tick INTEGER NOT NULL)
  WITHOUT ROWID;
-- One period of a budget. charged = used + held when written; up to `ceiling` may have been spent since.
CREATE TABLE budget (
  key TEXT NOT NULL, label TEXT NOT NULL, spec TEXT NOT NULL, start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL,
  charged INTEGER NOT NULL, ceiling INTEGER NOT NULL, PRIMARY KEY (key, label)
) WITHOUT ROWID;
-- An open reservation, so that a successor can let it expire. holds: [[spec, label or null, amount], ...].
CREATE TABLE reservation (
  id TEXT PRIMARY KEY, reserved_at_ms INTEGER NOT NULL, expires_at_ms INTEGER NOT NULL,
  holds TEXT NOT NULL, on_expiry TEXT NOT NULL
) WITHOUT ROWID;
-- A limit on what is new. tokens: [[sub-window, output tokens], ...].
CREATE TABLE novelty (key TEXT PRIMARY KEY, spec TEXT NOT NULL, newest INTEGER NOT NULL, tokens TEXT NOT NULL)
  WITHOUT ROWID;
-- The prompts it remembers, as signed fingerprints, each with the sub-window of its last use.
CREATE TABLE prompt (key TEXT NOT NULL, prompt INTEGER NOT NULL, sub INTEGER NOT NULL, PRIMARY KEY (key, prompt))
  WITHOUT ROWID;
