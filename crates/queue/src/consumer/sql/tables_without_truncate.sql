select format('%s.%s', n.nspname, c.relname)
  from pg_trigger t
  join pg_proc p on p.oid = t.tgfoid and p.proname ~ '^(logutriga|jsontriga|sqltriga)(_(each|bulk)_[0-9]+_[0-9a-f]+)?$'
  join pg_namespace pn on pn.oid = p.pronamespace and pn.nspname = 'pgq'
  join pg_class c on c.oid = t.tgrelid
  join pg_namespace n on n.oid = c.relnamespace
 where t.tgenabled <> 'D'
   and split_part(encode(t.tgargs, 'escape'), '\000', 1) = encode(convert_to($1, getdatabaseencoding()), 'escape')
 group by n.nspname, c.relname
having bool_and((t.tgtype::int & 32) = 0)
 order by 1
-- Tables whose changes triggers put into this queue, without their TRUNCATE.
