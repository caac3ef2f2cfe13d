-- Whether the segments of positions are to be changed: the current one has grown, and is not of just now.
create or replace function pgq.ostler_segment_due()
returns boolean
language sql
as $$
select s.switched_at < current_timestamp - interval '10 seconds'
   and pg_relation_size(case s.segment when 0 then 'pgq.ostler_position_0' else 'pgq.ostler_position_1' end::regclass) > 1024 * 1024
  from pgq.ostler_segment s
$$;
