-- An epoch that a failover or a restore cannot repeat, functions that nobody can divert, one epoch a statement, and a row to prove that
-- the database accepts writes.
-- compatible_from: 1

-- A number can come again where the database lost its last changes. Its stamp cannot: who saw another one under the same number forgets all.
alter table key_epoch add column stamp text not null default gen_random_uuid()::text;
alter table key_changes add column stamp text not null default gen_random_uuid()::text;
update key_changes c set stamp = e.stamp from key_epoch e where e.epoch = c.epoch;
insert into key_changes (epoch, user_id, stamp) select epoch, null, stamp from key_epoch on conflict (epoch) do nothing;

create table write_checks (
    id         integer primary key default 1 check (id = 1),
    checked_at timestamptz
);
insert into write_checks (id) values (1);

drop trigger api_keys_updated on api_keys;
drop trigger api_keys_deleted on api_keys;
drop trigger api_keys_truncated on api_keys;
drop trigger profiles_updated on profiles;
drop trigger profiles_deleted on profiles;
drop function api_keys_changed();
drop function profiles_changed();
drop function all_keys_changed();
drop function log_key_change(uuid);

-- These run as the owner of the tables, for each role that may change a key. So every name is qualified, and pg_temp, where any role may create tables, is
-- searched last. Once a statement: a row each time would cost a bulk update the square of its rows.
do $do$
begin
    execute format($ddl$
        -- null, or more than a hundred accounts: all keys must be forgotten.
        create function %1$I.log_key_changes(changed uuid[]) returns void
        language plpgsql security definer set search_path = %1$I, pg_temp as $fn$
        declare
            accounts uuid[] := case when cardinality(changed) <= 100 then changed else array[null::uuid] end;
            mark text := gen_random_uuid()::text;
            last_epoch bigint;
        begin
            if cardinality(accounts) = 0 then
                return;
            end if;
            update %1$I.key_epoch set epoch = epoch + cardinality(accounts), stamp = mark returning epoch into last_epoch;
            insert into %1$I.key_changes (epoch, user_id, stamp)
            select last_epoch - cardinality(accounts) + a.place, a.user_id,
                   case when a.place = cardinality(accounts) then mark else gen_random_uuid()::text end
            from unnest(accounts) with ordinality as a (user_id, place);
        end $fn$;

        -- Not for last_used_at, nor for the digest that a key made by SQL gets on its first use.
        create function %1$I.api_keys_were_updated() returns trigger
        language plpgsql security definer set search_path = %1$I, pg_temp as $fn$
        begin
            perform %1$I.log_key_changes(array(
                select o.user_id
                from old_rows o
                left join new_rows n on n.id = o.id
                where n.id is null
                   or (o.user_id, o.key_hash, o.key_prefix, o.name, o.scopes, o.requests_per_minute, o.expires_at, o.revoked_at)
                      is distinct from
                      (n.user_id, n.key_hash, n.key_prefix, n.name, n.scopes, n.requests_per_minute, n.expires_at, n.revoked_at)
                   or (o.key_digest is not null and o.key_digest is distinct from n.key_digest)
                union
                select n.user_id
                from new_rows n
                left join old_rows o on o.id = n.id
                where o.user_id is distinct from n.user_id));
            return null;
        end $fn$;

        create function %1$I.api_keys_were_deleted() returns trigger
        language plpgsql security definer set search_path = %1$I, pg_temp as $fn$
        begin
            perform %1$I.log_key_changes(array(select distinct o.user_id from old_rows o));
            return null;
        end $fn$;

        create function %1$I.profiles_were_updated() returns trigger
        language plpgsql security definer set search_path = %1$I, pg_temp as $fn$
        begin
            perform %1$I.log_key_changes(array(
                select o.id
                from old_rows o
                left join new_rows n on n.id = o.id
                where n.id is null or (o.email, o.name, o.plan, o.deleted_at) is distinct from (n.email, n.name, n.plan, n.deleted_at)));
            return null;
        end $fn$;

        create function %1$I.profiles_were_deleted() returns trigger
        language plpgsql security definer set search_path = %1$I, pg_temp as $fn$
        begin
            perform %1$I.log_key_changes(array(select o.id from old_rows o));
            return null;
        end $fn$;

        create function %1$I.all_keys_were_deleted() returns trigger
        language plpgsql security definer set search_path = %1$I, pg_temp as $fn$
        begin
            perform %1$I.log_key_changes(null);
            return null;
        end $fn$;
    $ddl$, current_schema());
end $do$;

create trigger api_keys_updated after update on api_keys referencing old table as old_rows new table as new_rows
for each statement execute function api_keys_were_updated();
create trigger api_keys_deleted after delete on api_keys referencing old table as old_rows
for each statement execute function api_keys_were_deleted();
create trigger api_keys_truncated after truncate on api_keys for each statement execute function all_keys_were_deleted();
create trigger profiles_updated after update on profiles referencing old table as old_rows new table as new_rows
for each statement execute function profiles_were_updated();
create trigger profiles_deleted after delete on profiles referencing old table as old_rows
for each statement execute function profiles_were_deleted();

-- Nobody else may call them, nor put them on a table of their own.
revoke execute on function log_key_changes(uuid[]), api_keys_were_updated(), api_keys_were_deleted(), profiles_were_updated(),
    profiles_were_deleted(), all_keys_were_deleted() from public;

-- Revoking twice keeps the first instant.
create function api_key_stays_revoked() returns trigger
language plpgsql as $$
begin
    if new.revoked_at is null then
        raise exception 'A revoked key stays revoked. Create a new key.';
    end if;
    new.revoked_at := old.revoked_at;
    return new;
end $$;
create trigger api_keys_revoked_once before update on api_keys for each row
when (old.revoked_at is not null and new.revoked_at is distinct from old.revoked_at)
execute function api_key_stays_revoked();

-- Supabase grants its roles every new function by name.
do $$
declare
    browser text;
begin
    for browser in select rolname from pg_roles where rolname in ('anon', 'authenticated', 'service_role') loop
        execute format(
            'revoke execute on function log_key_changes(uuid[]), api_keys_were_updated(), api_keys_were_deleted(), profiles_were_updated(), '
            'profiles_were_deleted(), all_keys_were_deleted() from %I', browser);
    end loop;
end $$;
