-- Policies, their audit, and how far deletions are. {schema} is replaced by the quoted name of the schema.
CREATE TABLE {schema}.retention_migration (
    version integer PRIMARY KEY,
    applied timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE {schema}.retention_policy (
    name text PRIMARY KEY,
    strategy text NOT NULL,
    tags text[] NOT NULL DEFAULT '{}',
    table_schema text NOT NULL,
    table_name text NOT NULL,
    time_column text NOT NULL,
    retention_period text NOT NULL,
    time_zone text NOT NULL DEFAULT 'UTC',
    time_unit text,
    partition_rule text NOT NULL DEFAULT 'end',
    keep_last bigint,
    key_columns text[] NOT NULL DEFAULT '{}',
    max_rows bigint,
    max_delete_ratio double precision,
    min_keep bigint,
    version bigint NOT NULL
);

-- Only added to. Entries of changes have no operation.
CREATE TABLE {schema}.retention_audit (
    entry bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    who text NOT NULL DEFAULT session_user,
    action text NOT NULL,
    policy text NOT NULL,
    item text,
    rows bigint,
    error text,
    operation text,
    before jsonb,
    after jsonb,
    UNIQUE (operation, policy, item)
);

-- Rows that unfinished deletions have removed: written in the statement that removes them, so that a count survives whoever counts.
CREATE TABLE {schema}.retention_progress (
    operation text,
    item text,
    removed bigint NOT NULL,
    PRIMARY KEY (operation, item)
);
