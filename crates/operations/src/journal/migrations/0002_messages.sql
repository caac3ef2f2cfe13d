-- What operations had to say while they ran: one line for each sentence, however often it was said.
CREATE TABLE message (
    number    INTEGER PRIMARY KEY AUTOINCREMENT,
    operation TEXT    NOT NULL REFERENCES operation (id) ON DELETE CASCADE,
    at        INTEGER NOT NULL,
    text      TEXT    NOT NULL,
    UNIQUE (operation, text)
) STRICT;
