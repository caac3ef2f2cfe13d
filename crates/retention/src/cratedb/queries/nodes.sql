SELECT id, attributes FROM sys.nodes
