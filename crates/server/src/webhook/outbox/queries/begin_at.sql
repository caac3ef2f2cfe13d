-- The outbox is filled from the change after this one, unless it is filled already. ?1 number.
INSERT INTO cursor ("only", number) VALUES (1, ?1) ON CONFLICT DO NOTHING;
