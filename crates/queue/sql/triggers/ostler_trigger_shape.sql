-- What generated code depends on, as one word: the table's name, columns, types and primary key, and the version of the
-- generator. Generated code compares it with the word it was made for. The function is declared immutable so that the
-- comparison is made when a plan is made and costs nothing per row; PostgreSQL throws the plan away when the table
-- changes, because the argument is a constant of type regclass.
create or replace function pgq.ostler_trigger_shape(i_table regclass)
returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_table record;
    v_columns text;
    v_key text;
begin
    select n.nspname, c.relname, c.relnatts, c.relispartition, c.relkind
      into v_table
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.oid = i_table;
    if not found then
        return 'gone';
    end if;
    -- A transaction that keeps an old snapshot does not see columns that were added since. Its rows have them.
    if current_setting('transaction_isolation') in ('repeatable read', 'serializable')
        and has_column_privilege(i_table, (v_table.relnatts + 1)::smallint, 'SELECT') is not null
    then
        raise exception 'table % was changed after this transaction began', i_table
            using errcode = 'serialization_failure', hint = 'Run the transaction again.';
    end if;
    select string_agg(concat_ws(' ', a.attnum, quote_ident(a.attname), a.atttypid), ',' order by a.attnum)
      into v_columns
      from pg_attribute a
     where a.attrelid = i_table and a.attnum > 0 and not a.attisdropped;
    select string_agg(k.n::text, ',' order by k.position)
      into v_key
      from pg_index i, unnest(i.indkey::smallint[]) with ordinality as k(n, position)
     where i.indrelid = i_table and i.indisprimary and k.position <= i.indnkeyatts;
    return md5(concat_ws('|', 1, quote_ident(v_table.nspname), quote_ident(v_table.relname), v_columns, v_key));
end;
$$;
