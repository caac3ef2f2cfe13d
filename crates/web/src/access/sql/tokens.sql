SELECT name, role, created, clusters FROM credential WHERE kind = 'token' ORDER BY name
