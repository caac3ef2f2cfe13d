-- Everything by which somebody may come in. Secrets are 256 random bits; only their BLAKE3 hashes are here.
CREATE TABLE credential (
    hash BLOB PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('token', 'link', 'session')),
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    created INTEGER NOT NULL,   -- milliseconds since 1970
    expires INTEGER,            -- milliseconds since 1970; NULL: never
    used INTEGER                -- links: when somebody came in by it
) WITHOUT ROWID;
CREATE UNIQUE INDEX token_name ON credential (name) WHERE kind = 'token';

-- Which operation a key stands for, so that a request that is made again starts nothing again.
CREATE TABLE started (
    owner TEXT NOT NULL,
    key TEXT NOT NULL,
    request BLOB NOT NULL,      -- BLAKE3 of what was asked for
    operation TEXT,             -- NULL while it is being started
    created INTEGER NOT NULL,
    PRIMARY KEY (owner, key)
) WITHOUT ROWID;
-- Plans that were made, so that they can be carried out by their digest.
CREATE TABLE plan (
    digest TEXT PRIMARY KEY,
    plan TEXT NOT NULL,         -- JSON
    made INTEGER NOT NULL
) WITHOUT ROWID;
PRAGMA user_version = 1;
