-- The operator that tells whether two values of a type are equal, with its schema: of the type's default operator class,
-- which only a superuser can make. NULL where values are compared by their text: types without one, and arrays.
create or replace function pgq.ostler_equality_operator(i_type oid)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_base oid := pgq.ostler_base_type(i_type);
    v_type record;
begin
    select typtype, typcategory, typrelid into v_type from pg_type where oid = v_base;
    if v_type.typcategory = 'A' then
        return null;
    elsif v_type.typtype = 'e' and v_base <> i_type then
        -- PostgreSQL finds no operator for a domain over an enum. Labels are equal when the values are.
        return null;
    elsif v_type.typtype in ('e', 'r', 'm') then
        return 'pg_catalog.=';
    elsif v_type.typtype = 'c' then
        -- Rows are equal by their columns.
        if exists (
            select from pg_attribute a
             where a.attrelid = v_type.typrelid and a.attnum > 0 and not a.attisdropped
               and pgq.ostler_equality_operator(a.atttypid) is null
               and (select typcategory from pg_type where oid = pgq.ostler_base_type(a.atttypid)) <> 'A')
        then
            return null;
        end if;
        return 'pg_catalog.=';
    end if;
    return (
        select format('%I.%s', n.nspname, p.oprname)
          from pg_opclass c
          join pg_am m on m.oid = c.opcmethod and m.amname in ('btree', 'hash')
          join pg_amop a on a.amopfamily = c.opcfamily and a.amoplefttype = c.opcintype and a.amoprighttype = c.opcintype
               and a.amopstrategy = case m.amname when 'btree' then 3 else 1 end
          join pg_operator p on p.oid = a.amopopr
          join pg_namespace n on n.oid = p.oprnamespace
         where c.opcdefault
           and (c.opcintype = v_base or exists (
                select from pg_cast
                 where castsource = v_base and casttarget = c.opcintype and castmethod = 'b' and castcontext = 'i'))
         order by m.amname, c.opcintype <> v_base
         limit 1);
end;
$$;
