-- What accounts and keys need around them. Why each table is as it is: the PostgreSQL file of the same name.
-- compatible_from: 1

alter table profiles add column email_verified_at integer;
alter table profiles add column deleted_at integer;

alter table api_keys add column replaced_by text;

create table key_epoch (
    id    integer primary key default 1 check (id = 1),
    epoch integer not null
) strict;
insert into key_epoch (epoch) values (0);

create table key_changes (
    epoch   integer primary key,
    user_id text,
    at      integer not null default (unixepoch() * 1000000)
) strict;

create trigger api_keys_updated after update on api_keys
when (old.id, old.user_id, old.key_hash, old.key_prefix, old.name, old.scopes, old.requests_per_minute, old.expires_at, old.revoked_at)
     is not
     (new.id, new.user_id, new.key_hash, new.key_prefix, new.name, new.scopes, new.requests_per_minute, new.expires_at, new.revoked_at)
     or (old.key_digest is not null and old.key_digest is not new.key_digest)
begin
    update key_epoch set epoch = epoch + 1;
    insert into key_changes (epoch, user_id) select epoch, old.user_id from key_epoch;
    update key_epoch set epoch = epoch + 1 where new.user_id <> old.user_id;
    insert into key_changes (epoch, user_id) select epoch, new.user_id from key_epoch where new.user_id <> old.user_id;
end;
-- A key whose hash was replaced by SQL is another key: the digest of the old one must not let it in any longer.
create trigger api_keys_rehashed after update on api_keys
when old.key_hash is not new.key_hash and old.key_digest is not null and old.key_digest is new.key_digest
begin
    update api_keys set key_digest = null where id = new.id;
end;
-- "insert or replace" deletes without a word to delete triggers.
create trigger api_keys_replaced before insert on api_keys
when exists (select 1 from api_keys where id = new.id or key_prefix = new.key_prefix)
begin
    update key_epoch set epoch = epoch + 1;
    insert into key_changes (epoch, user_id) select epoch, (select user_id from api_keys where id = new.id or key_prefix = new.key_prefix limit 1) from key_epoch;
end;
create trigger api_keys_deleted after delete on api_keys
begin
    update key_epoch set epoch = epoch + 1;
    insert into key_changes (epoch, user_id) select epoch, old.user_id from key_epoch;
end;
create trigger profiles_updated after update on profiles
when (old.id, old.email, old.name, old.plan, old.deleted_at) is not (new.id, new.email, new.name, new.plan, new.deleted_at)
begin
    update key_epoch set epoch = epoch + 1;
    insert into key_changes (epoch, user_id) select epoch, old.id from key_epoch;
end;
create trigger profiles_deleted after delete on profiles
begin
    update key_epoch set epoch = epoch + 1;
    insert into key_changes (epoch, user_id) select epoch, old.id from key_epoch;
end;

create table device_codes (
    device_digest    blob primary key,
    user_code_digest blob not null unique,
    client_id        text,
    state            text not null check (state in ('pending', 'approved', 'denied', 'redeemed')),
    user_id          text references profiles (id) on delete cascade,
    interval_seconds integer not null,
    created_at       integer not null,
    expires_at       integer not null,
    last_polled_at   integer,
    address          text
) strict;
create index device_codes_expiry on device_codes (expires_at);

create table device_salt (
    id   integer primary key default 1 check (id = 1),
    salt blob not null
) strict;
insert into device_salt (salt) values (randomblob(32));

create table attempts (
    id      text primary key,
    kind    text not null,
    subject text not null,
    at      integer not null
) strict;
create index attempts_subject on attempts (kind, subject, at);
create index attempts_age on attempts (at);

create table email_tokens (
    token_digest blob primary key,
    user_id      text not null references profiles (id) on delete cascade,
    purpose      text not null check (purpose in ('reset', 'verify')),
    email        text not null,
    created_at   integer not null,
    expires_at   integer not null,
    used_at      integer
) strict;
create index email_tokens_user on email_tokens (user_id, purpose);
create index email_tokens_expiry on email_tokens (expires_at);
create index sessions_expiry on sessions (expires_at);

create table identities (
    issuer     text not null,
    subject    text not null,
    user_id    text not null references profiles (id) on delete cascade,
    created_at integer not null,
    primary key (issuer, subject)
) strict;
create index identities_user on identities (user_id);

create table audit_log (
    user_id text not null,
    id      text not null,
    at      integer not null,
    actor   text not null,
    action  text not null,
    target  text,
    address text,
    primary key (user_id, id)
) strict;

create trigger audit_log_is_never_updated before update on audit_log
begin
    select raise(abort, 'audit_log is append-only');
end;
create trigger audit_log_is_never_replaced before insert on audit_log
when exists (select 1 from audit_log where user_id = new.user_id and id = new.id)
begin
    select raise(abort, 'audit_log is append-only');
end;
create trigger audit_log_is_never_deleted before delete on audit_log
begin
    select raise(abort, 'audit_log is append-only');
end;
