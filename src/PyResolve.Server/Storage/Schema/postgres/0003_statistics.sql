-- What statistics are read from: the ledger added up by day and by library, moved in the transaction that writes the event.
-- compatible_from: 1

-- month is the one that the events count in, date (YYYY-MM-DD, UTC) the day on which they occurred: a hold of October that is used on the
-- first of November counts in October.
create table usage_daily (
    user_id    uuid not null,
    month      text not null,
    date       text not null,
    migrations bigint not null default 0,
    tokens     bigint not null default 0,
    primary key (user_id, month, date)
);

-- Migrations alone; those of no library are under the empty name.
create table usage_libraries (
    user_id    uuid not null,
    month      text not null,
    library    text not null,
    migrations bigint not null default 0,
    primary key (user_id, month, library)
);

insert into usage_daily (user_id, month, date, migrations, tokens)
select user_id, month, to_char(occurred_at at time zone 'UTC', 'YYYY-MM-DD'),
       coalesce(sum(quantity) filter (where event_type = 'migration'), 0), sum(tokens_used)
from usage_events
where event_type = 'migration' or tokens_used > 0
group by 1, 2, 3;

insert into usage_libraries (user_id, month, library, migrations)
select user_id, month, coalesce(library, ''), sum(quantity)
from usage_events
where event_type = 'migration'
group by 1, 2, 3;

do $$
begin
    if exists (select from pg_roles where rolname = 'anon') then
        alter table usage_daily enable row level security;
        alter table usage_libraries enable row level security;
    end if;
end $$;
