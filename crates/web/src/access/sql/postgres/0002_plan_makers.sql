-- The same as version 4 of the files: plans with who made them.
DROP TABLE plan;
CREATE TABLE plan (
    maker  text   COLLATE "C" NOT NULL,   -- 'token NAME', 'user NAME' or 'link NAME'
    digest text   COLLATE "C" NOT NULL,
    plan   text   NOT NULL,               -- JSON
    made   bigint NOT NULL,
    PRIMARY KEY (maker, digest)
);
