-- Removes a dead letter. Returns 1; 0 when there is none of this id.
create or replace function pgq.dead_letter_drop(i_dl_id bigint)
returns integer
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
    delete from pgq.ostler_dead_letter where dl_id = i_dl_id;
    return case when found then 1 else 0 end;
end
$$;
