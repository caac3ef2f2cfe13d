-- Changes the file to the write-ahead log; gives the mode it has then. No parameters.
PRAGMA journal_mode = WAL;
