SELECT EXISTS (SELECT 1 FROM credential WHERE kind = 'token' OR (kind = 'link' AND used IS NOT NULL))
    OR EXISTS (SELECT 1 FROM "user")
