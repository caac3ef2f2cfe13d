-- Triggers of users run with the role's own search_path; all names of ours have their schema.
BEGIN;
SET LOCAL search_path TO DEFAULT
