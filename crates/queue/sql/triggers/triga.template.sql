-- file: jsontriga.sql
-- kind: jsontriga
-- form: JSON
-- file: logutriga.sql
-- kind: logutriga
-- form: urlencoded rows
-- file: sqltriga.sql
-- kind: sqltriga
-- form: parts of SQL statements

-- Trigger: logs changes of a table as {form}. Arguments: the queue, then SKIP, backup, deny, ignore=, pkey=,
-- when=, ev_type=, ev_data=, ev_extra1= to ev_extra4=.
--
-- A function made for the table does the work (pgq.ostler_generate_row_function). One that does not fit any more answers
-- NULL, and is made anew.
create or replace function pgq.{kind}()
returns trigger
language plpgsql
as $$
declare
    v_name text;
    v_skip boolean;
begin
    if pg_catalog.current_setting('session_replication_role') operator(pg_catalog.=) 'local' then
        return coalesce(new, old);
    end if;
    if TG_LEVEL operator(pg_catalog.=) 'STATEMENT' and TG_OP operator(pg_catalog.<>) 'TRUNCATE' then
        raise exception 'pgq Ins/Upd/Del trigger must be fired FOR EACH ROW' using errcode = 'XX000';
    end if;
    v_name := pg_catalog.concat('pgq.{kind}_row_', TG_RELID, '_', pg_catalog.substr(pg_catalog.md5(
        pg_catalog.concat(TG_WHEN, TG_ARGV::pg_catalog.text)), 1, 12));
    if pg_catalog.to_regproc(v_name) is not null then
        execute pg_catalog.concat('select ', v_name, '($1, $2, $3)') into v_skip using TG_OP, new, old;
    end if;
    if v_skip is null then
        v_skip := pgq.ostler_log_row('{kind}', TG_RELID, TG_WHEN, TG_ARGV, TG_OP, new, old);
    end if;
    return case when v_skip then null when TG_OP operator(pg_catalog.=) 'DELETE' then old else new end;
end;
$$;
