-- The extensions of the family, and whatever needs one of them; those that need others first.
with recursive family (oid, depth) as (
    select e.oid, 0 from pg_catalog.pg_extension e where e.extname in ('pgq', 'pgq_ext', 'pgq_coop', 'pgq_node')
    union
    select d.objid, f.depth + 1
      from family f
      join pg_catalog.pg_depend d on d.refclassid = 'pg_catalog.pg_extension'::regclass and d.refobjid = f.oid
       and d.classid = 'pg_catalog.pg_extension'::regclass
     where f.depth < 10
)
select e.extname::text, e.extversion, pg_catalog.pg_get_userbyid(e.extowner)::text, pg_catalog.pg_has_role(e.extowner, 'usage'),
       array(select i.type || ' ' || i.identity
               from pg_catalog.pg_depend d, pg_catalog.pg_identify_object(d.classid, d.objid, d.objsubid) i
              where d.refclassid = 'pg_catalog.pg_extension'::regclass and d.refobjid = e.oid and d.deptype = 'e'
              order by i.type, i.identity)
  from (select oid, max(depth) as depth from family group by oid) f
  join pg_catalog.pg_extension e on e.oid = f.oid
 order by f.depth desc, e.extname
