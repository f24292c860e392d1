-- Signed receipts. One owner process, one connection. Format 1.
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
-- In the order of their issue; the claims are in the receipt itself. issued_at: seconds since the Unix epoch.
CREATE TABLE receipt (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, issued_at INTEGER NOT NULL, jws TEXT NOT NULL);
CREATE INDEX receipt_issued_at ON receipt (issued_at);
