-- The number of the newest change that there ever was; 0 when there was none. No parameters.
SELECT number FROM newest_change;
