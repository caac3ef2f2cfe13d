SELECT name, role, created FROM credential WHERE kind = 'token' ORDER BY name
