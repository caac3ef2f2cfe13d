set local timezone = 'UTC';
set local datestyle = 'ISO, YMD';
set constraints all deferred;
-- Texts of dates mean the same whatever the role's settings are; tables of one batch may refer to each other.
