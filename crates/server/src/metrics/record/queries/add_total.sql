-- ?1 name, ?2 labels, ?3 value.
INSERT INTO total (name, labels, value) VALUES (?1, ?2, ?3)
ON CONFLICT (name, labels) DO UPDATE SET value = total.value + ?3;
