-- What a maintenance round has to do, in order: functions with an argument or none, and `vacuum` with a table. A function is
-- called again until it returns 0.
create or replace function pgq.maint_operations(out func_name text, out func_arg text)
returns setof record
language plpgsql
as $$
declare
    q record;
    fn text;
begin
    func_arg := null;
    if exists (select from pgq.ostler_queue where lag_limit is not null or lag_paused) then
        func_name := 'pgq.maint_consumer_limits';
        return next;
    end if;

    func_name := 'pgq.maint_rotate_tables_step1';
    for func_arg in
        select queue_name from pgq.queue
         where queue_rotation_period is not null and queue_switch_step2 is not null
           and queue_switch_time + queue_rotation_period < current_timestamp
         order by queue_name
    loop
        return next;
    end loop;

    if exists (select from pgq.queue
                where queue_switch_step2 is null
                   or (queue_rotation_period is not null and queue_switch_time + queue_rotation_period < current_timestamp)) then
        func_name := 'pgq.maint_rotate_tables_step2';
        func_arg := null;
        return next;
    end if;

    if pgq.ostler_segment_due() then
        func_name := 'pgq.maint_positions';
        func_arg := null;
        return next;
    end if;

    for q in select queue_name, queue_extra_maint from pgq.queue where queue_extra_maint is not null order by queue_name loop
        foreach fn in array q.queue_extra_maint loop
            func_name := fn;
            func_arg := q.queue_name;
            return next;
        end loop;
    end loop;

    func_name := 'vacuum';
    for func_arg in select t from pgq.maint_tables_to_vacuum() t loop
        return next;
    end loop;

    if to_regprocedure('pgq_node.maint_watermark(text)') is not null then
        func_name := 'pgq_node.maint_watermark';
        for func_arg in execute 'select n.queue_name from pgq_node.node_info n where n.node_type = ''root'' order by n.queue_name' loop
            return next;
        end loop;
    end if;
    if to_regprocedure('londiste.root_check_seqs(text)') is not null then
        func_name := 'londiste.root_check_seqs';
        for func_arg in execute 'select distinct s.queue_name from londiste.seq_info s, pgq_node.node_info n'
                             || ' where s.local and n.queue_name = s.queue_name and n.node_type = ''root'' order by 1' loop
            return next;
        end loop;
    end if;
    if to_regprocedure('londiste.periodic_maintenance()') is not null then
        func_name := 'londiste.periodic_maintenance';
        func_arg := null;
        return next;
    end if;
end
$$;
