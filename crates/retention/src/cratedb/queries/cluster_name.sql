SELECT name FROM sys.cluster
