-- Accounts, keys, sessions, the usage ledger with its rollup, and holds on quota.
-- Ids are lower-case text, instants are UTC microseconds, truth is 0 or 1. Why each table is as it is: the PostgreSQL file of the same name.
-- compatible_from: 1

create table schema_versions (
    version         integer primary key,
    name            text not null,
    compatible_from integer not null,
    applied_at      integer not null
) strict;

create table profiles (
    id                 text primary key,
    email              text not null,
    name               text,
    plan               text not null default 'free' check (plan in ('free', 'pro', 'unlimited', 'enterprise')),
    stripe_customer_id text,
    created_at         integer not null,
    updated_at         integer not null
) strict;
create unique index profiles_email on profiles (lower(email)) where email <> '';

create table passwords (
    user_id       text primary key references profiles (id) on delete cascade,
    password_hash text not null,
    changed_at    integer not null
) strict;

create table api_keys (
    id                  text primary key,
    user_id             text not null references profiles (id) on delete cascade,
    key_hash            text not null,
    key_digest          blob,
    key_prefix          text not null unique,
    name                text default 'Default',
    scopes              text not null default 'usage:write usage:read quota billing migrate',
    requests_per_minute integer check (requests_per_minute > 0),
    last_used_at        integer,
    created_at          integer not null,
    expires_at          integer,
    revoked_at          integer
) strict;
create index api_keys_user on api_keys (user_id, created_at);

create table sessions (
    id           text primary key,
    user_id      text not null references profiles (id) on delete cascade,
    token_digest blob not null unique,
    created_at   integer not null,
    expires_at   integer not null,
    revoked_at   integer
) strict;
create index sessions_user on sessions (user_id);

create table usage_events (
    user_id        text not null,
    id             text not null,
    event_type     text not null,
    library        text,
    tier           text check (tier in ('tier1', 'tier2', 'tier3')),
    quantity       integer not null default 1 check (quantity > 0),
    files_changed  integer not null default 0,
    tokens_used    integer not null default 0,
    metadata       text not null default '{}',
    month          text not null,
    occurred_at    integer not null,
    created_at     integer not null,
    reservation_id text,
    late           integer not null default 0,
    payload_digest blob,
    primary key (user_id, id)
) strict;
create index usage_events_month on usage_events (user_id, month, created_at);
create index usage_events_reservation on usage_events (user_id, reservation_id) where reservation_id is not null;

create table usage_monthly (
    user_id             text not null,
    month               text not null,
    migrations          integer not null default 0,
    tier1_migrations    integer not null default 0,
    llm_migrations      integer not null default 0,
    total_tokens        integer not null default 0,
    total_files_changed integer not null default 0,
    held                integer not null default 0 check (held >= 0),
    primary key (user_id, month)
) strict;

create table reservations (
    user_id         text not null,
    id              text not null,
    state           text not null check (state in ('held', 'committed', 'released', 'expired')),
    quantity        integer not null check (quantity > 0),
    remaining       integer not null check (remaining >= 0 and remaining <= quantity),
    tier            text not null check (tier in ('tier1', 'tier2', 'tier3')),
    library         text,
    month           text not null,
    machine         text,
    created_at      integer not null,
    expires_at      integer not null,
    idempotency_key text,
    request_digest  blob not null,
    once_key        text,
    once_answers    integer not null default 0,
    plan            text not null,
    plan_limit      integer,
    used_before     integer not null,
    held_before     integer not null,
    usage_event_id  text,
    primary key (user_id, id)
) strict;
create unique index reservations_idempotency on reservations (user_id, idempotency_key) where idempotency_key is not null;
create index reservations_once on reservations (user_id, once_key, created_at) where once_key is not null;
create index reservations_due on reservations (user_id, expires_at) where state = 'held';

create view monthly_usage as
select
    user_id,
    unixepoch(month || '-01') * 1000000 as month,
    migrations,
    tier1_migrations,
    llm_migrations,
    total_tokens,
    total_files_changed
from usage_monthly;
