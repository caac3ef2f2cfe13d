-- A condition: whether the table has a committed event that snapshot $1 does not see. Index probes only, however old it is.
create or replace function pgq.ostler_unseen_sql(i_table text)
returns text
language sql
immutable
as $$
select '(exists (select from ' || i_table || ' e where e.ev_txid >= txid_snapshot_xmax($1))'
    || ' or exists (select from txid_snapshot_xip($1) x join ' || i_table || ' e on e.ev_txid = x))'
$$;
