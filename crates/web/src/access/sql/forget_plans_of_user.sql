DELETE FROM plan WHERE maker = 'user ' || ?1
