-- The same as version 3 of the file: whether a moment has run is looked up where it is due.
CREATE INDEX firing_due ON firing (schedule, due);
