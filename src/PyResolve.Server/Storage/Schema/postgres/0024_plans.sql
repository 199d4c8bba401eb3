-- Plans are named by the catalogue of the configuration, so the database knows only the form of a name.
-- compatible_from: 1

alter table profiles drop constraint if exists profiles_plan_check;
alter table profiles drop constraint if exists profiles_plan_then_check;
alter table profiles drop constraint if exists profiles_plan_override_check;
alter table profiles add constraint profiles_plan_check check (plan ~ '^[a-z][a-z0-9_-]{0,31}$');
alter table profiles add constraint profiles_plan_then_check check (plan_then ~ '^[a-z][a-z0-9_-]{0,31}$');
alter table profiles add constraint profiles_plan_override_check check (plan_override ~ '^[a-z][a-z0-9_-]{0,31}$');

-- plan_seats: how many seats the subscription pays for, where the plan's limit is that of one. plan_by_contract: the enterprise plan comes
-- from a subscription, and ends with it; one that an operator set by SQL stays.
alter table profiles add column plan_seats bigint;
alter table profiles add column plan_by_contract boolean not null default false;
