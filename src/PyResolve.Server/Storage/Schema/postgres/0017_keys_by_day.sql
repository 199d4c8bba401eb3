-- Migrations added up by key and day, for the chart beside each key, and who made a key.
-- compatible_from: 1

-- As usage_keys. That stays: a month of many keys is read from one row a key.
create table usage_key_days (
    user_id    uuid not null,
    month      text not null,
    key_id     uuid not null,
    date       text not null,
    migrations bigint not null default 0,
    primary key (user_id, month, key_id, date)
);

-- Reads the events of months that have a row by key, and no others: none, but on servers that ran version 15 or 16.
insert into usage_key_days (user_id, month, key_id, date, migrations)
select e.user_id, e.month, e.key_id, to_char(e.occurred_at at time zone 'UTC', 'YYYY-MM-DD'), sum(e.quantity)
from (select distinct user_id, month from usage_keys) k
join usage_events e on e.user_id = k.user_id and e.month = k.month
where e.event_type = 'migration' and e.key_id is not null
group by 1, 2, 3, 4;

-- As the actor of the audit log; null: not known.
alter table api_keys add column made_by text;

do $$
begin
    if exists (select from pg_roles where rolname = 'anon') then
        alter table usage_key_days enable row level security;
        revoke all on usage_key_days from anon, authenticated;
    end if;
end $$;
