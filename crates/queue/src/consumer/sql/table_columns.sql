select a.attname::text, format_type(a.atttypid, -1), a.attgenerated = '',
       array_position(i.indkey::int2[], a.attnum)
  from pg_attribute a
  left join pg_index i on i.indrelid = a.attrelid and i.indisprimary
 where a.attrelid = to_regclass($1)
   and a.attnum > 0
   and not a.attisdropped
 order by a.attnum
-- Columns of a table: name, type without its modifier, whether values are taken, place in the primary key.
