-- Of a session: by what somebody came in, 'token', 'link' or 'user'. Sessions from before this are of tokens.
ALTER TABLE credential ADD COLUMN via TEXT;
-- JSON: the names of the clusters that all of it is about; NULL: everything.
ALTER TABLE credential ADD COLUMN clusters TEXT;

-- People who sign in with a password, of which only what Argon2id makes of it is here.
CREATE TABLE user (
    name TEXT PRIMARY KEY,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    clusters TEXT,
    salt BLOB NOT NULL,
    hash BLOB NOT NULL,
    memory_kib INTEGER NOT NULL,
    passes INTEGER NOT NULL,
    lanes INTEGER NOT NULL,
    created INTEGER NOT NULL,   -- milliseconds since 1970
    changed INTEGER NOT NULL    -- of the password; milliseconds since 1970
) WITHOUT ROWID;
PRAGMA user_version = 2;
