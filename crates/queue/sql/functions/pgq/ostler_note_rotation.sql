-- Remembers why a rotation did not happen; writes only when that is news.
create or replace function pgq.ostler_note_rotation(i_queue integer, i_note text)
returns void
language sql
as $$
update pgq.ostler_queue set rotation_note = i_note where oq_queue = i_queue and rotation_note is distinct from i_note
$$;
