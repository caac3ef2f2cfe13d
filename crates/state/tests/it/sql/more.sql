-- What a newer program adds, in both.
CREATE TABLE more (value INTEGER);
