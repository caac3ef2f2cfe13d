DELETE FROM plan WHERE made < ?1
