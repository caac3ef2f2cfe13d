-- Copies the newest operation, with its steps and messages, :number times: each began and ended a second after the one before,
-- the first of them so many seconds before now.
PRAGMA synchronous = OFF;
PRAGMA foreign_keys = OFF;
BEGIN;
CREATE TEMP TABLE copies AS
WITH RECURSIVE series (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < :number)
SELECT n, lower(hex(randomblob(16))) AS id, (n - :number - 60) * 1000 AS moved FROM series;
CREATE TEMP TABLE model AS SELECT * FROM operation ORDER BY number DESC LIMIT 1;

INSERT INTO operation (id, kind, version, subject, plan, state, committed, owner, epoch, heartbeat, started, ended, worked_ms,
                       failure, hint, reasons, outcome)
SELECT copies.id, kind, version, subject, plan, state, committed, NULL, epoch, heartbeat + moved, started + moved, ended + moved,
       worked_ms, failure, hint, reasons, outcome
FROM copies, model ORDER BY n;

INSERT INTO step (operation, position, key, name, state, undoable, started, ended, attempts, result, progress, reasons)
SELECT copies.id, position, key, name, step.state, undoable, step.started + moved, step.ended + moved, attempts, result, progress,
       step.reasons
FROM copies, model JOIN step ON step.operation = model.id ORDER BY copies.id;

INSERT INTO message (operation, at, text)
SELECT copies.id, at + moved, text FROM copies, model JOIN message ON message.operation = model.id;
COMMIT;
