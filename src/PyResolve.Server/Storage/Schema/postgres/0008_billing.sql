-- What is known of Stripe: customers and what their subscriptions grant, webhooks, checkouts, and the jobs that repair what webhooks missed.
-- compatible_from: 1

-- plan counts until plan_until, from then on plan_then, even where nothing arrives. plan_origin: which Stripe granted it.
-- plan_override: what an operator set; subscriptions never lower it.
alter table profiles add column plan_until timestamptz;
alter table profiles add column plan_then text not null default 'free' check (plan_then in ('free', 'pro', 'unlimited', 'enterprise'));
alter table profiles add column plan_origin text;
alter table profiles add column plan_override text check (plan_override in ('free', 'pro', 'unlimited', 'enterprise'));
create index profiles_plan_until on profiles (plan_until) where plan_until is not null;
create index profiles_plan_origin on profiles (plan_origin) where plan_origin is not null;

-- One customer an account and origin (live, test, local). A fetch of its subscriptions takes the next sync_seq before it begins, and is
-- written only over a smaller applied_seq. The lease keeps two workers from fetching the same at once.
-- remembered: what each subscription was seen to be, which Stripe does not tell twice, as JSON by its id.
create table billing_customers (
    origin             text not null check (origin in ('live', 'test', 'local')),
    customer_id        text not null,
    user_id            uuid not null,
    return_token       text not null unique,
    created_at         timestamptz not null,
    unlinked_at        timestamptz,
    sync_seq           bigint not null default 0,
    applied_seq        bigint not null default 0,
    applied_at         timestamptz,
    lease_owner        uuid,
    lease_until        timestamptz,
    subscription_id    text,
    status             text,
    plan               text not null default 'free',
    plan_until         timestamptz,
    plan_then          text not null default 'free',
    quantity           bigint,
    cancelling         boolean not null default false,
    current_period_end timestamptz,
    grace_ends_at      timestamptz,
    remembered         text not null default '',
    flags              text not null default '',
    primary key (origin, customer_id)
);
create unique index billing_customers_linked on billing_customers (origin, user_id) where unlinked_at is null;
create index billing_customers_user on billing_customers (user_id);

-- Done means: a fetch that began after the event was stored (its number is taken_seq or more) has been applied.
create table stripe_events (
    origin          text not null,
    event_id        text not null,
    type            text not null,
    customer_id     text,
    payload         text not null,
    state           text not null check (state in ('pending', 'done', 'ignored', 'dead')),
    note            text,
    received_at     timestamptz not null,
    attempts        integer not null default 0,
    next_attempt_at timestamptz not null,
    taken_seq       bigint,
    settled_at      timestamptz,
    primary key (origin, event_id)
);
create index stripe_events_due on stripe_events (origin, next_attempt_at) where state = 'pending';
create index stripe_events_customer on stripe_events (origin, customer_id) where state in ('pending', 'dead');
create index stripe_events_age on stripe_events (received_at);

-- The one checkout that an account may have open. The attempt is part of its idempotency key. replaced_session_id: the one before, until
-- it is known to be closed.
create table billing_checkouts (
    origin      text not null,
    user_id     uuid not null,
    attempt     bigint not null,
    customer_id text not null,
    price       text not null,
    session_id  text,
    url         text,
    replaced_session_id text,
    primary key (origin, user_id)
);

-- Jobs that one instance at a time runs.
create table billing_jobs (
    origin      text not null,
    name        text not null,
    next_run_at timestamptz not null,
    read_to     timestamptz,
    lease_owner uuid,
    lease_until timestamptz,
    repaired    bigint not null default 0,
    primary key (origin, name)
);

do $$
declare
    name text;
begin
    if exists (select from pg_roles where rolname = 'anon') then
        foreach name in array array['billing_customers', 'stripe_events', 'billing_checkouts', 'billing_jobs'] loop
            execute format('alter table %I enable row level security', name);
        end loop;
    end if;
end $$;
