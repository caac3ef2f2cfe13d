-- Whether a moment has run is looked up where it is due.
CREATE INDEX firing_due ON firing (schedule, due);
