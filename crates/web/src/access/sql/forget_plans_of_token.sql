DELETE FROM plan WHERE maker IN ('token ' || ?1, 'link ' || ?1)
