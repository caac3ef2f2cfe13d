-- What every schema of a store has.
CREATE TABLE schema_history (
    version    bigint PRIMARY KEY,
    -- The version of the program that brought the schema to this version.
    written_by text   NOT NULL
);

-- The last write of each session, in the transaction of that write.
CREATE TABLE state_writer (
    session text        PRIMARY KEY,
    number  bigint      NOT NULL,
    at      timestamptz NOT NULL DEFAULT now()
);
