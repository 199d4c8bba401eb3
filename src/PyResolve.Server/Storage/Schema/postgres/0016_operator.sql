-- What an operator searches by, and how old entries of the audit log are deleted.
-- compatible_from: 1

-- The start of an e-mail address is found by profiles_email_key, whose order is that of bytes. The order of a key's prefix depends on the
-- database, unless the index says otherwise.
create index api_keys_prefix on api_keys (key_prefix text_pattern_ops);
create index profiles_stripe_customer on profiles (stripe_customer_id) where stripe_customer_id is not null;
create index audit_log_age on audit_log (at);

-- One row. Entries from before the mark can be deleted, and no others.
create table audit_retention (
    id             integer primary key default 1 check (id = 1),
    deleted_before timestamptz
);
insert into audit_retention (deleted_before) values (null);

create function refuse_audit_deletion() returns trigger
language plpgsql as $$
declare
    deleted_before timestamptz;
begin
    execute format('select deleted_before from %I.audit_retention', tg_table_schema) into deleted_before;
    if old.at < deleted_before then
        return old;
    end if;
    raise exception 'audit_log is append-only';
end $$;
drop trigger audit_log_is_append_only on audit_log;
create trigger audit_log_is_append_only before update on audit_log for each row execute function refuse_audit_change();
create trigger audit_log_keeps_entries before delete on audit_log for each row execute function refuse_audit_deletion();

do $$
begin
    if exists (select from pg_roles where rolname = 'anon') then
        alter table audit_retention enable row level security;
        revoke all on audit_retention from anon, authenticated;
    end if;
end $$;
