-- What an account may use beyond its plan's quota: prepaid credits, and overage that Stripe bills by a meter.
-- compatible_from: 1

-- One row a purchase or gift; reference is the payment or the command that gave it, so that a repetition gives nothing.
-- drawn: units that reservations hold or have used; late commits may make it more than units. taken: units taken back after a refund.
-- What is left is units - drawn - taken.
create table credit_grants (
    user_id    uuid not null,
    id         uuid not null,
    source     text not null constraint credit_grants_source_check check (source in ('purchase', 'operator')),
    reference  text not null,
    units      bigint not null constraint credit_grants_units_check check (units > 0),
    drawn      bigint not null default 0 constraint credit_grants_drawn_check check (drawn >= 0),
    taken      bigint not null default 0 constraint credit_grants_taken_check check (taken >= 0 and taken <= units),
    expires_at timestamptz,
    created_at timestamptz not null,
    primary key (user_id, id)
);
create unique index credit_grants_reference on credit_grants (user_id, reference);

-- credits and overage: units beyond the plan's quota that are held or lapsed and not reported yet. beyond_plan: what the reservation drew,
-- on which grants, and how much of it is spent.
alter table reservations add column credits integer not null default 0;
alter table reservations add column overage integer not null default 0;
alter table reservations add column beyond_plan text;

-- Of an event's units, those beyond the plan's quota; null: none.
alter table usage_events add column credits integer;
alter table usage_events add column overage integer;

-- Of a month's used and held units, those beyond the plan's quota.
alter table usage_monthly add column credits bigint not null default 0;
alter table usage_monthly add column overage bigint not null default 0;

-- How many units of overage a month the account allows, on the plan whose overage its subscription bills; null: none.
alter table profiles add column overage_limit bigint;
alter table profiles add column overage_plan text;

-- What is to be reported to Stripe's meters, written with the event. The identifier is the event's id, by which Stripe knows a repetition;
-- where another account has an event of the same id, the account's id follows. first_tried_at: since when it is unknown whether Stripe
-- has it.
create table meter_events (
    identifier     text primary key,
    user_id        uuid not null,
    event_id       uuid not null,
    plan           text not null,
    units          bigint not null,
    created_at     timestamptz not null,
    due_at         timestamptz not null,
    tries          integer not null default 0,
    first_tried_at timestamptz,
    sent_at        timestamptz,
    failure        text
);
create unique index meter_events_event on meter_events (user_id, event_id);
create index meter_events_due on meter_events (due_at) where sent_at is null;

do $$
begin
    if exists (select from pg_roles where rolname = 'anon') then
        alter table credit_grants enable row level security;
        alter table meter_events enable row level security;
        revoke all on credit_grants, meter_events from anon, authenticated;
    end if;
end $$;
