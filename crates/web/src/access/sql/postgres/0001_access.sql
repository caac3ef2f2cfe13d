-- The same as version 3 of the files. Times are milliseconds since 1970-01-01 UTC. Names are in the order of their bytes, as in
-- SQLite.

-- Everything by which somebody may come in. Secrets are 256 random bits; only their BLAKE3 hashes are here.
CREATE TABLE credential (
    hash     bytea  PRIMARY KEY,
    kind     text   NOT NULL CHECK (kind IN ('token', 'link', 'session')),
    name     text   COLLATE "C" NOT NULL,
    role     text   NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    created  bigint NOT NULL,
    expires  bigint,             -- NULL: never
    used     bigint,             -- links: when somebody came in by it
    -- Of a session: by what somebody came in, 'token', 'link' or 'user'.
    via      text,
    -- JSON: the names of the clusters that all of it is about; NULL: everything.
    clusters text
);
CREATE UNIQUE INDEX token_name ON credential (name) WHERE kind = 'token';

-- Which operation a key stands for, so that a request that is made again starts nothing again.
CREATE TABLE started (
    owner     text   NOT NULL,
    key       text   NOT NULL,
    request   bytea  NOT NULL,   -- BLAKE3 of what was asked for
    operation text,              -- NULL while it is being started
    created   bigint NOT NULL,
    PRIMARY KEY (owner, key)
);

-- Plans that were made, so that they can be carried out by their digest.
CREATE TABLE plan (
    digest text   COLLATE "C" PRIMARY KEY,
    plan   text   NOT NULL,      -- JSON
    made   bigint NOT NULL
);

-- People who sign in with a password, of which only what Argon2id makes of it is here.
CREATE TABLE "user" (
    name       text   COLLATE "C" PRIMARY KEY,
    role       text   NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
    clusters   text,
    salt       bytea  NOT NULL,
    hash       bytea  NOT NULL,
    memory_kib bigint NOT NULL,
    passes     bigint NOT NULL,
    lanes      bigint NOT NULL,
    created    bigint NOT NULL,
    changed    bigint NOT NULL   -- of the password
);
