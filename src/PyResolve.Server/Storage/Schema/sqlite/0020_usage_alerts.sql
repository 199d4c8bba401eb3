-- Alerts: letters when the migrations of a month reach a share of its quota. Why: the PostgreSQL file of the same name.
-- compatible_from: 1

create table alert_rules (
    user_id    text not null,
    percent    integer not null,
    is_on      integer not null,
    changed_at integer not null,
    primary key (user_id, percent)
) strict, without rowid;

create table usage_alerts (
    user_id    text not null,
    month      text not null,
    percent    integer not null,
    used       integer not null,
    plan_limit integer not null,
    reached_at integer not null,
    letter_id  text not null,
    primary key (user_id, month, percent)
) strict, without rowid;
