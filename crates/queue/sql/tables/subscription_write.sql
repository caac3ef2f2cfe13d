drop trigger if exists ostler_subscription_write on pgq.subscription;
create trigger ostler_subscription_write instead of insert or update or delete on pgq.subscription
    for each row execute function pgq.ostler_subscription_write();
