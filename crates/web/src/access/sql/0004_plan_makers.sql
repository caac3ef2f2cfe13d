-- Plans with who made them: nobody else starts them. Earlier ones do not say, and live for a day only.
DROP TABLE plan;
CREATE TABLE plan (
    maker TEXT NOT NULL,        -- 'token NAME', 'user NAME' or 'link NAME'
    digest TEXT NOT NULL,
    plan TEXT NOT NULL,         -- JSON
    made INTEGER NOT NULL,      -- milliseconds since 1970
    PRIMARY KEY (maker, digest)
) WITHOUT ROWID;
