DELETE FROM credential WHERE kind = 'link' AND used IS NULL
