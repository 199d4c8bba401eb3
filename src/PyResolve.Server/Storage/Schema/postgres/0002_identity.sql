-- What accounts and keys need around them: the epoch that tells every instance of a change, rotation, device login, throttling, letters,
-- other identity providers, and the audit log.
-- compatible_from: 1

-- A deleted account keeps its row, blanked (e-mail ''), because its usage stays.
alter table profiles add column email_verified_at timestamptz;
alter table profiles add column deleted_at timestamptz;

-- The key that replaced this one; the old one then lives until its expires_at.
alter table api_keys add column replaced_by uuid;

-- One row. Whoever advances it holds its lock until the commit, so that a reader who sees epoch n sees every change up to n.
create table key_epoch (
    id    integer primary key default 1 check (id = 1),
    epoch bigint not null
);
insert into key_epoch (epoch) values (0);

-- Whose keys must be forgotten: exactly one row an epoch; user_id is null where all must be.
create table key_changes (
    epoch   bigint primary key,
    user_id uuid,
    at      timestamptz not null default now()
);

create function log_key_change(changed uuid) returns void
language sql security definer set search_path from current as $$
    with advanced as (update key_epoch set epoch = epoch + 1 returning epoch)
    insert into key_changes (epoch, user_id) select epoch, changed from advanced;
$$;
revoke execute on function log_key_change(uuid) from public;

create function api_keys_changed() returns trigger
language plpgsql security definer set search_path from current as $$
begin
    perform log_key_change(old.user_id);
    if tg_op = 'UPDATE' and new.user_id <> old.user_id then
        perform log_key_change(new.user_id);
    end if;
    return null;
end $$;

create function profiles_changed() returns trigger
language plpgsql security definer set search_path from current as $$
begin
    perform log_key_change(old.id);
    return null;
end $$;

create function all_keys_changed() returns trigger
language plpgsql security definer set search_path from current as $$
begin
    perform log_key_change(null);
    return null;
end $$;

-- A key whose hash was replaced by SQL is another key: the digest of the old one must not let it in any longer.
create function api_key_rehashed() returns trigger
language plpgsql as $$
begin
    new.key_digest := null;
    return new;
end $$;
create trigger api_keys_rehashed before update on api_keys for each row
when (old.key_hash is distinct from new.key_hash and old.key_digest is not distinct from new.key_digest)
execute function api_key_rehashed();

-- Not for last_used_at, nor for the digest that a key made by SQL gets on its first use.
create trigger api_keys_updated after update on api_keys for each row
when ((old.id, old.user_id, old.key_hash, old.key_prefix, old.name, old.scopes, old.requests_per_minute, old.expires_at, old.revoked_at)
      is distinct from
      (new.id, new.user_id, new.key_hash, new.key_prefix, new.name, new.scopes, new.requests_per_minute, new.expires_at, new.revoked_at)
      or (old.key_digest is not null and old.key_digest is distinct from new.key_digest))
execute function api_keys_changed();
create trigger api_keys_deleted after delete on api_keys for each row execute function api_keys_changed();
create trigger api_keys_truncated after truncate on api_keys for each statement execute function all_keys_changed();
create trigger profiles_updated after update on profiles for each row
when ((old.id, old.email, old.name, old.plan, old.deleted_at) is distinct from (new.id, new.email, new.name, new.plan, new.deleted_at))
execute function profiles_changed();
create trigger profiles_deleted after delete on profiles for each row execute function profiles_changed();

-- RFC 8628. Both codes as digests; the short one stretched, because it can be guessed offline otherwise.
create table device_codes (
    device_digest    bytea primary key,
    user_code_digest bytea not null unique,
    client_id        text,
    state            text not null check (state in ('pending', 'approved', 'denied', 'redeemed')),
    user_id          uuid references profiles (id) on delete cascade,
    interval_seconds integer not null,
    created_at       timestamptz not null,
    expires_at       timestamptz not null,
    last_polled_at   timestamptz,
    address          text
);
create index device_codes_expiry on device_codes (expires_at);

-- One row: what the short codes are salted with. They are looked up by their digest, so the salt is one for all, and this database's own.
create table device_salt (
    id   integer primary key default 1 check (id = 1),
    salt bytea not null
);
insert into device_salt (salt) values (decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex'));

-- One row an attempt that counts against somebody: a failed login for its account and its address, a sign-up for its address.
create table attempts (
    id      uuid primary key,
    kind    text not null,
    subject text not null,
    at      timestamptz not null
);
create index attempts_subject on attempts (kind, subject, at);
create index attempts_age on attempts (at);

-- Letters with a secret in them: password resets and e-mail verifications. The secret is stored as its digest.
create table email_tokens (
    token_digest bytea primary key,
    user_id      uuid not null references profiles (id) on delete cascade,
    purpose      text not null check (purpose in ('reset', 'verify')),
    email        text not null,
    created_at   timestamptz not null,
    expires_at   timestamptz not null,
    used_at      timestamptz
);
create index email_tokens_user on email_tokens (user_id, purpose);
create index email_tokens_expiry on email_tokens (expires_at);
create index sessions_expiry on sessions (expires_at);

-- Who somebody is elsewhere: issuer and subject, never an e-mail.
create table identities (
    issuer     text not null,
    subject    text not null,
    user_id    uuid not null references profiles (id) on delete cascade,
    created_at timestamptz not null,
    primary key (issuer, subject)
);
create index identities_user on identities (user_id);

-- Append-only: the database itself refuses every change.
create table audit_log (
    user_id uuid not null,
    id      uuid not null,
    at      timestamptz not null,
    actor   text not null,
    action  text not null,
    target  text,
    address text,
    primary key (user_id, id)
);

create function refuse_audit_change() returns trigger
language plpgsql as $$
begin
    raise exception 'audit_log is append-only';
end $$;
create trigger audit_log_is_append_only before update or delete on audit_log for each row execute function refuse_audit_change();
create trigger audit_log_is_never_emptied before truncate on audit_log for each statement execute function refuse_audit_change();

do $$
declare
    name text;
begin
    if exists (select from pg_roles where rolname = 'anon') then
        foreach name in array array['key_epoch', 'key_changes', 'device_codes', 'device_salt', 'attempts', 'email_tokens', 'identities', 'audit_log'] loop
            execute format('alter table %I enable row level security', name);
        end loop;
        -- Supabase grants its roles every new function by name.
        revoke execute on function log_key_change(uuid), api_keys_changed(), profiles_changed(), all_keys_changed() from anon, authenticated, service_role;
    end if;
end $$;
