-- Readers consume, writers produce, admins do both and look after queues. Another database of the server may be making them too.
do $roles$
begin
    begin
        create role pgq_reader;
    exception when duplicate_object or unique_violation then null;
    end;
    begin
        create role pgq_writer;
    exception when duplicate_object or unique_violation then null;
    end;
    begin
        create role pgq_admin in role pgq_reader, pgq_writer;
    exception when duplicate_object or unique_violation then null;
    end;
end
$roles$;
