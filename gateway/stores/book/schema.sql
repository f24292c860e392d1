-- Accounts and keys. One owner process, one connection. Format 1.
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
-- An account, a key, an org, a standing or a switch. owner: of a key its account. version: the revision that wrote it. body: see codec.py.
CREATE TABLE entry (
  kind TEXT NOT NULL, id TEXT NOT NULL, owner TEXT NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE INDEX key_by_account ON entry (owner, id) WHERE kind = 'key';
-- When rows changed that somebody may remember: each once, the newest 10,000.
CREATE TABLE change (kind TEXT NOT NULL, id TEXT NOT NULL, revision INTEGER NOT NULL, PRIMARY KEY (kind, id))
  WITHOUT ROWID;
CREATE INDEX change_by_revision ON change (revision);
