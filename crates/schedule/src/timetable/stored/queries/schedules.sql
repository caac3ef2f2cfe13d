-- Schedules by name, each with the due moment and the beginning of the run that is not over, the end of its newest good one,
-- and the number of its newest. ?1 name, or NULL for all.
SELECT s.name, s.version, s.created, s.decided, s.pause, s.definition,
       (SELECT f.due FROM firing f WHERE f.schedule = s.name AND f.stage <> 'over'),
       (SELECT f.began FROM firing f WHERE f.schedule = s.name AND f.stage <> 'over'),
       (SELECT f.ended FROM firing f WHERE f.schedule = s.name AND f.stage = 'over' AND f.state = 'succeeded'
        ORDER BY f.number DESC LIMIT 1),
       (SELECT max(f.number) FROM firing f WHERE f.schedule = s.name)
FROM schedule s
WHERE ?1 IS NULL OR s.name = ?1
ORDER BY s.name;
