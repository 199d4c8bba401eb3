-- Migrations added up by key and day, and who made a key. Why: the PostgreSQL file of the same name.
-- compatible_from: 1

create table usage_key_days (
    user_id    text not null,
    month      text not null,
    key_id     text not null,
    date       text not null,
    migrations integer not null default 0,
    primary key (user_id, month, key_id, date)
) strict, without rowid;

insert into usage_key_days (user_id, month, key_id, date, migrations)
select e.user_id, e.month, e.key_id, date(e.occurred_at / 1000000, 'unixepoch'), sum(e.quantity)
from (select distinct user_id, month from usage_keys) k
join usage_events e on e.user_id = k.user_id and e.month = k.month
where e.event_type = 'migration' and e.key_id is not null
group by 1, 2, 3, 4;

alter table api_keys add column made_by text;
