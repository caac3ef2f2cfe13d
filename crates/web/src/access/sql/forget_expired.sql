DELETE FROM credential WHERE kind <> 'link' AND expires IS NOT NULL AND expires <= ?1
