select s from pgq.ostler_truncate_plan($1::text::regclass, $2, $3, $4, $5) s
