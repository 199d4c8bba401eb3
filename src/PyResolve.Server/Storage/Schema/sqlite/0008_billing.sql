-- What is known of Stripe. Why each table is as it is: the PostgreSQL file of the same name.
-- compatible_from: 1

alter table profiles add column plan_until integer;
alter table profiles add column plan_then text not null default 'free' check (plan_then in ('free', 'pro', 'unlimited', 'enterprise'));
alter table profiles add column plan_origin text;
alter table profiles add column plan_override text check (plan_override in ('free', 'pro', 'unlimited', 'enterprise'));
create index profiles_plan_until on profiles (plan_until) where plan_until is not null;
create index profiles_plan_origin on profiles (plan_origin) where plan_origin is not null;

create table billing_customers (
    origin             text not null check (origin in ('live', 'test', 'local')),
    customer_id        text not null,
    user_id            text not null,
    return_token       text not null unique,
    created_at         integer not null,
    unlinked_at        integer,
    sync_seq           integer not null default 0,
    applied_seq        integer not null default 0,
    applied_at         integer,
    lease_owner        text,
    lease_until        integer,
    subscription_id    text,
    status             text,
    plan               text not null default 'free',
    plan_until         integer,
    plan_then          text not null default 'free',
    quantity           integer,
    cancelling         integer not null default 0,
    current_period_end integer,
    grace_ends_at      integer,
    remembered         text not null default '',
    flags              text not null default '',
    primary key (origin, customer_id)
) strict, without rowid;
create unique index billing_customers_linked on billing_customers (origin, user_id) where unlinked_at is null;
create index billing_customers_user on billing_customers (user_id);

create table stripe_events (
    origin          text not null,
    event_id        text not null,
    type            text not null,
    customer_id     text,
    payload         text not null,
    state           text not null check (state in ('pending', 'done', 'ignored', 'dead')),
    note            text,
    received_at     integer not null,
    attempts        integer not null default 0,
    next_attempt_at integer not null,
    taken_seq       integer,
    settled_at      integer,
    primary key (origin, event_id)
) strict;
create index stripe_events_due on stripe_events (origin, next_attempt_at) where state = 'pending';
create index stripe_events_customer on stripe_events (origin, customer_id) where state in ('pending', 'dead');
create index stripe_events_age on stripe_events (received_at);

create table billing_checkouts (
    origin      text not null,
    user_id     text not null,
    attempt     integer not null,
    customer_id text not null,
    price       text not null,
    session_id  text,
    url         text,
    replaced_session_id text,
    primary key (origin, user_id)
) strict, without rowid;

create table billing_jobs (
    origin      text not null,
    name        text not null,
    next_run_at integer not null,
    read_to     integer,
    lease_owner text,
    lease_until integer,
    repaired    integer not null default 0,
    primary key (origin, name)
) strict, without rowid;
