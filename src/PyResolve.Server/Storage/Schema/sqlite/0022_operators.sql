-- Who may use the operator's pages, what they did and why, and what they can give an account. Why each column is as it is: the PostgreSQL
-- file of the same name.
-- compatible_from: 1

create table operators (
    user_id  text primary key references profiles (id) on delete cascade,
    role     text not null check (role in ('support', 'admin')),
    added_at integer not null
) strict, without rowid;

alter table sessions add column proved_at integer;
alter table sessions add column viewing text;
alter table sessions add column viewing_until integer;

alter table profiles add column plan_override_until integer;

alter table usage_monthly add column extra integer not null default 0;

alter table audit_log add column operator_id text;
alter table audit_log add column reason text;
create index audit_log_latest on audit_log (at, id);
create index audit_log_by_operators on audit_log (at, id) where operator_id is not null;
drop index audit_log_age;

create index stripe_events_state on stripe_events (origin, state, received_at, event_id);
