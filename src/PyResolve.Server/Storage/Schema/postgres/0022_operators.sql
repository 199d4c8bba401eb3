-- Who may use the operator's pages, what they did and why, and what they can give an account: a plan until a day, and extra units.
-- compatible_from: 1

create table operators (
    user_id  uuid primary key references profiles (id) on delete cascade,
    role     text not null check (role in ('support', 'admin')),
    added_at timestamptz not null
);

-- proved_at: when the person last showed who they are, by a password or a code. An operator may see an account's pages, and change nothing
-- there, until viewing_until.
alter table sessions add column proved_at timestamptz;
alter table sessions add column viewing uuid;
alter table sessions add column viewing_until timestamptz;

-- When plan_override ends; null: it does not.
alter table profiles add column plan_override_until timestamptz;

-- Units beside those of the plan, in this month alone.
alter table usage_monthly add column extra bigint not null default 0;

-- Both null where no operator did it on a page.
alter table audit_log add column operator_id uuid;
alter table audit_log add column reason text;
create index audit_log_latest on audit_log (at, id);
create index audit_log_by_operators on audit_log (at, id) where operator_id is not null;
drop index audit_log_age;

create index stripe_events_state on stripe_events (origin, state, received_at, event_id);

do $$
begin
    if exists (select from pg_roles where rolname = 'anon') then
        alter table operators enable row level security;
        revoke all on operators from anon, authenticated;
    end if;
end $$;
