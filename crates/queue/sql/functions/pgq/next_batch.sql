-- Opens the next batch, or gives the open one again. NULL: there is nothing yet.
create or replace function pgq.next_batch(i_queue_name text, i_consumer_name text)
returns bigint
language plpgsql
as $$
begin
    -- Not in SQL, which would be planned at every call.
    return (pgq.next_batch_custom(i_queue_name, i_consumer_name, null, null, null)).batch_id;
end
$$;
