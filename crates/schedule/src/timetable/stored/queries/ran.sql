-- When the runs of a schedule were due that were due after one moment and up to another. ?1 name, ?2 after, ?3 until.
SELECT due FROM firing
WHERE schedule = ?1 AND due > ?2 AND due <= ?3 AND cause <> 'manual' AND state <> 'missed';
