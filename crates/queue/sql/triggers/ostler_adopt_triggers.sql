-- Gives functions of ostler_foreign_triggers to the table that has the trigger, by their names; ostler_refresh_trigger then makes them
-- anew. One that triggers of several tables call stays as it is. Returns how many.
create or replace function pgq.ostler_adopt_triggers()
returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    f record;
    own text;
    done integer := 0;
begin
    for f in
        select t.tgfoid as oid, p.proname::text as name, min(t.tgrelid) as place, min(t.tgtype) as type,
               min(encode(t.tgargs, 'hex')) as arguments, min(t.tgnargs) as number
          from pg_trigger t
          join pg_proc p on p.oid = t.tgfoid
         where t.tgfoid in (select function from pgq.ostler_foreign_triggers()) and t.tgparentid = 0
         group by t.tgfoid, p.proname
        having count(distinct t.tgrelid) = 1 and count(distinct t.tgargs) = 1
    loop
        own := pgq.ostler_trigger_function_name(split_part(f.name, '_', 1), split_part(f.name, '_', 2), f.place,
            case when f.type::integer & 2 <> 0 then 'BEFORE' else 'AFTER' end,
            pgq.ostler_stored_arguments(decode(f.arguments, 'hex'), f.number));
        if to_regproc(format('pgq.%I', own)) is null then
            execute format('alter function pgq.%I() rename to %I', f.name, own);
            done := done + 1;
        end if;
    end loop;
    return done;
end;
$$;
