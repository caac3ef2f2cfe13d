SELECT name, role, created, clusters, hash FROM credential WHERE kind = 'token' ORDER BY name
