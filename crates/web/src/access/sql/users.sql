SELECT name, role, created, clusters, changed FROM "user" ORDER BY name
