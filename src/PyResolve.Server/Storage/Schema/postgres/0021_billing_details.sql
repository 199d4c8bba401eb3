-- What a subscription is besides its plan, customers who pay for a plan and belong to no account, and letters about billing.
-- compatible_from: 1

-- scheduled_plan takes the place of the plan at scheduled_at, where Stripe has a schedule for it; until then it changes nothing.
alter table billing_customers add column billing_interval text;
alter table billing_customers add column trial_ends_at timestamptz;
alter table billing_customers add column scheduled_plan text;
alter table billing_customers add column scheduled_at timestamptz;

-- Seen at Stripe with a subscription to one of our prices. A row goes when an account has the customer, or the subscription has ended.
create table billing_unclaimed (
    origin          text not null,
    customer_id     text not null,
    subscription_id text not null,
    plan            text not null,
    first_seen_at   timestamptz not null,
    last_seen_at    timestamptz not null,
    primary key (origin, customer_id)
);

-- One letter an account, kind and subject (an invoice, or a subscription and the instant of which it tells), on all instances.
create table billing_letters (
    user_id   uuid not null,
    kind      text not null,
    subject   text not null,
    queued_at timestamptz not null,
    primary key (user_id, kind, subject)
);
create index billing_letters_age on billing_letters (queued_at);

do $$
begin
    if exists (select from pg_roles where rolname = 'anon') then
        alter table billing_unclaimed enable row level security;
        alter table billing_letters enable row level security;
        revoke all on billing_unclaimed, billing_letters from anon, authenticated;
    end if;
end $$;
