-- Accounts, keys, sessions, the usage ledger with its rollup, and holds on quota.
-- compatible_from: 1

create table schema_versions (
    version         integer primary key,
    name            text not null,
    compatible_from integer not null,
    applied_at      timestamptz not null
);

-- The account. Its e-mail is kept in lower case; a unique index says so for rows typed by hand.
create table profiles (
    id                 uuid primary key default gen_random_uuid(),
    email              text not null,
    name               text,
    plan               text not null default 'free' check (plan in ('free', 'pro', 'unlimited', 'enterprise')),
    stripe_customer_id text,
    created_at         timestamptz not null default now(),
    updated_at         timestamptz not null default now()
);
create unique index profiles_email on profiles (lower(email)) where email <> '';

-- Apart from the profile, so that no view or policy on profiles can ever show it.
create table passwords (
    user_id       uuid primary key references profiles (id) on delete cascade,
    password_hash text not null,
    changed_at    timestamptz not null
);

-- key_digest is null for a key that was made by SQL, until its first use.
create table api_keys (
    id                  uuid primary key default gen_random_uuid(),
    user_id             uuid not null references profiles (id) on delete cascade,
    key_hash            text not null,
    key_digest          bytea,
    key_prefix          text not null constraint unique_key_prefix unique,
    name                text default 'Default',
    scopes              text not null default 'usage:write usage:read quota billing migrate',
    requests_per_minute integer check (requests_per_minute > 0),
    last_used_at        timestamptz,
    created_at          timestamptz not null default now(),
    expires_at          timestamptz,
    revoked_at          timestamptz
);
create index api_keys_user on api_keys (user_id, created_at);

create table sessions (
    id           uuid primary key,
    user_id      uuid not null references profiles (id) on delete cascade,
    token_digest bytea not null unique,
    created_at   timestamptz not null,
    expires_at   timestamptz not null,
    revoked_at   timestamptz
);
create index sessions_user on sessions (user_id);

-- The ledger. It outlives its account: no foreign key. An id is unique within its account, for ever, so there is no partitioning by time.
-- month is the one that the event counts in: that of its hold where it names one.
create table usage_events (
    user_id        uuid not null,
    id             uuid not null default gen_random_uuid(),
    event_type     text not null,
    library        text,
    tier           text check (tier in ('tier1', 'tier2', 'tier3')),
    quantity       integer not null default 1 check (quantity > 0),
    files_changed  integer not null default 0,
    tokens_used    integer not null default 0,
    metadata       jsonb not null default '{}',
    month          text not null default to_char(now() at time zone 'UTC', 'YYYY-MM'),
    occurred_at    timestamptz not null default now(),
    created_at     timestamptz not null default now(),
    reservation_id uuid,
    late           boolean not null default false,
    payload_digest bytea,
    primary key (user_id, id)
);
create index usage_events_month on usage_events (user_id, month, created_at);
create index usage_events_reservation on usage_events (user_id, reservation_id) where reservation_id is not null;

-- What the ledger adds up to, an account and month, moved in the transaction that writes the event; and what is held on top.
create table usage_monthly (
    user_id             uuid not null,
    month               text not null,
    migrations          bigint not null default 0,
    tier1_migrations    bigint not null default 0,
    llm_migrations      bigint not null default 0,
    total_tokens        bigint not null default 0,
    total_files_changed bigint not null default 0,
    held                bigint not null default 0 check (held >= 0),
    primary key (user_id, month)
);

create table reservations (
    user_id         uuid not null,
    id              uuid not null,
    state           text not null check (state in ('held', 'committed', 'released', 'expired')),
    quantity        integer not null check (quantity > 0),
    remaining       integer not null check (remaining >= 0 and remaining <= quantity),
    tier            text not null check (tier in ('tier1', 'tier2', 'tier3')),
    library         text,
    month           text not null,
    machine         text,
    created_at      timestamptz not null,
    expires_at      timestamptz not null,
    idempotency_key text,
    request_digest  bytea not null,
    once_key        text,
    once_answers    integer not null default 0,
    plan            text not null,
    plan_limit      bigint,
    used_before     bigint not null,
    held_before     bigint not null,
    usage_event_id  uuid,
    primary key (user_id, id)
);
create unique index reservations_idempotency on reservations (user_id, idempotency_key) where idempotency_key is not null;
create index reservations_once on reservations (user_id, once_key, created_at) where once_key is not null;
create index reservations_due on reservations (user_id, expires_at) where state = 'held';

create view monthly_usage with (security_invoker = true) as
select
    user_id,
    (month || '-01T00:00:00Z')::timestamptz as month,
    migrations,
    tier1_migrations,
    llm_migrations,
    total_tokens,
    total_files_changed
from usage_monthly;

-- Supabase serves the tables of this schema to browsers. Without a policy, row level security shows them nothing; the server owns the tables.
do $$
declare
    name text;
begin
    if exists (select from pg_roles where rolname = 'anon') then
        foreach name in array array['schema_versions', 'profiles', 'passwords', 'api_keys', 'sessions', 'usage_events', 'usage_monthly', 'reservations'] loop
            execute format('alter table %I enable row level security', name);
        end loop;
    end if;
end $$;
