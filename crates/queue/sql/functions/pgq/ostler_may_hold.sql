-- Whether a table that was closed at this transaction id may hold events of the batch between two snapshots. NULL: it was not.
create or replace function pgq.ostler_may_hold(i_closed_at bigint, i_from txid_snapshot, i_to txid_snapshot)
returns boolean
language plpgsql
stable
as $$
begin
    if i_closed_at is null or i_closed_at > txid_snapshot_xmax(i_from) then
        return true;
    elsif i_closed_at <= txid_snapshot_xmin(i_from) then
        return false;
    end if;
    -- What ran at the first snapshot and ended by the second is in the batch too.
    return exists (select from txid_snapshot_xip(i_from) x where x < i_closed_at and txid_visible_in_snapshot(x, i_to));
end
$$;
