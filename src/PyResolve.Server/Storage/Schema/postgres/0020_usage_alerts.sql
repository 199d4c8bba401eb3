-- Alerts: letters when the migrations of a month reach a share of its quota.
-- compatible_from: 1

-- What an account changed about its alerts, in per cent of the quota. Those at 80 and 100 are on without a row; is_on = false turns one
-- off. No foreign keys here: a row is added while a rollup is locked, and profiles are locked before rollups, so that none deadlock.
create table alert_rules (
    user_id    uuid not null,
    percent    integer not null,
    is_on      boolean not null,
    changed_at timestamptz not null,
    primary key (user_id, percent)
);

-- One row a month and rule, in the transaction whose usage reached it: so there is one letter, however many instances record usage.
create table usage_alerts (
    user_id    uuid not null,
    month      text not null,
    percent    integer not null,
    used       bigint not null,
    plan_limit bigint not null,
    reached_at timestamptz not null,
    letter_id  uuid not null,
    primary key (user_id, month, percent)
);

do $$
begin
    if exists (select from pg_roles where rolname = 'anon') then
        alter table alert_rules enable row level security;
        alter table usage_alerts enable row level security;
        revoke all on alert_rules, usage_alerts from anon, authenticated;
    end if;
end $$;
