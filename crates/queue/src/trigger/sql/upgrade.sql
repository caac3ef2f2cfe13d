select place::text, name, statement from pgq.ostler_trigger_upgrade()
