-- When the next time of an event after this moment comes, of those that were delayed or are to be tried again. NULL: there is none.
create or replace function pgq.ostler_next_time(i_after timestamp with time zone)
returns timestamp with time zone
language plpgsql
stable
as $$
begin
    return (
        select least(min(r.at), min(d.at))
          from pgq.queue n
         cross join lateral (
               select min(t.ev_retry_after) as at from pgq.retry_queue t where t.ev_queue = n.queue_id and t.ev_retry_after > i_after) r
         cross join lateral (
               select min(t.de_after) as at from pgq.ostler_delayed t where t.de_queue = n.queue_id and t.de_after > i_after) d);
end
$$;
