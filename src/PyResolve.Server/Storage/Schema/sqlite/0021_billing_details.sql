-- What a subscription is besides its plan, customers without an account, and letters about billing. Why: the PostgreSQL file of the same name.
-- compatible_from: 1

alter table billing_customers add column billing_interval text;
alter table billing_customers add column trial_ends_at integer;
alter table billing_customers add column scheduled_plan text;
alter table billing_customers add column scheduled_at integer;

create table billing_unclaimed (
    origin          text not null,
    customer_id     text not null,
    subscription_id text not null,
    plan            text not null,
    first_seen_at   integer not null,
    last_seen_at    integer not null,
    primary key (origin, customer_id)
) strict, without rowid;

create table billing_letters (
    user_id   text not null,
    kind      text not null,
    subject   text not null,
    queued_at integer not null,
    primary key (user_id, kind, subject)
) strict, without rowid;
create index billing_letters_age on billing_letters (queued_at);
