-- A transaction id that is later than all that were given so far, this transaction's own too: that of a subtransaction which writes.
-- Servers tell such an id only in the row that it wrote, in its lower 32 bits.
create or replace function pgq.ostler_later_txid(i_queue_id integer)
returns bigint
language plpgsql
as $$
declare
    written bigint;
begin
    begin
        update pgq.ostler_queue set rotation_note = rotation_note where oq_queue = i_queue_id
            returning xmin::text::bigint into written;
    exception when plpgsql_error then
        -- A block that handles something is a subtransaction.
        raise;
    end;
    return txid_current() + ((written - txid_current()) & 4294967295);
end
$$;
