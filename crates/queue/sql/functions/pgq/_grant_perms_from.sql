-- Gives a table the grants of another one. Returns 1.
create or replace function pgq._grant_perms_from(src_schema text, src_table text, dst_schema text, dst_table text)
returns integer
language plpgsql
strict
as $$
declare
    dst text := quote_ident(dst_schema) || '.' || quote_ident(dst_table);
    acl record;
begin
    for acl in
        select case a.grantee when 0 then 'public' else quote_ident(r.rolname) end as grantee,
               string_agg(a.privilege_type, ', ' order by a.privilege_type) as privileges,
               a.is_grantable
          from pg_class c
          join pg_namespace n on n.oid = c.relnamespace
         cross join aclexplode(c.relacl) a
          left join pg_roles r on r.oid = a.grantee
         where n.nspname = src_schema and c.relname = src_table and a.grantee <> c.relowner
         group by a.grantee, r.rolname, a.is_grantable
    loop
        execute 'grant ' || acl.privileges || ' on ' || dst || ' to ' || acl.grantee
             || case when acl.is_grantable then ' with grant option' else '' end;
    end loop;
    return 1;
end
$$;
