SELECT state, type, grantee FROM sys.privileges WHERE class = 'TABLE' AND ident = ? ORDER BY grantee, type
