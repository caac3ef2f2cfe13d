SELECT name FROM sys.repositories ORDER BY name
