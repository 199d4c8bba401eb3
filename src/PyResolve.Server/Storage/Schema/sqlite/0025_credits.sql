-- What an account may use beyond its plan's quota. Why each column is as it is: the PostgreSQL file of the same name.
-- compatible_from: 1

create table credit_grants (
    user_id    text not null,
    id         text not null,
    source     text not null check (source in ('purchase', 'operator')),
    reference  text not null,
    units      integer not null check (units > 0),
    drawn      integer not null default 0 check (drawn >= 0),
    taken      integer not null default 0 check (taken >= 0 and taken <= units),
    expires_at integer,
    created_at integer not null,
    primary key (user_id, id)
) strict, without rowid;
create unique index credit_grants_reference on credit_grants (user_id, reference);

alter table reservations add column credits integer not null default 0;
alter table reservations add column overage integer not null default 0;
alter table reservations add column beyond_plan text;

alter table usage_events add column credits integer;
alter table usage_events add column overage integer;

alter table usage_monthly add column credits integer not null default 0;
alter table usage_monthly add column overage integer not null default 0;

alter table profiles add column overage_limit integer;
alter table profiles add column overage_plan text;

create table meter_events (
    identifier     text primary key,
    user_id        text not null,
    event_id       text not null,
    plan           text not null,
    units          integer not null,
    created_at     integer not null,
    due_at         integer not null,
    tries          integer not null default 0,
    first_tried_at integer,
    sent_at        integer,
    failure        text
) strict, without rowid;
create unique index meter_events_event on meter_events (user_id, event_id);
create index meter_events_due on meter_events (due_at) where sent_at is null;
