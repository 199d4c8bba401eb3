-- What statistics are read from. Why each table is as it is: the PostgreSQL file of the same name.
-- compatible_from: 1

create table usage_daily (
    user_id    text not null,
    month      text not null,
    date       text not null,
    migrations integer not null default 0,
    tokens     integer not null default 0,
    primary key (user_id, month, date)
) strict, without rowid;

create table usage_libraries (
    user_id    text not null,
    month      text not null,
    library    text not null,
    migrations integer not null default 0,
    primary key (user_id, month, library)
) strict, without rowid;

insert into usage_daily (user_id, month, date, migrations, tokens)
select user_id, month, date(occurred_at / 1000000, 'unixepoch'),
       coalesce(sum(quantity) filter (where event_type = 'migration'), 0), sum(tokens_used)
from usage_events
where event_type = 'migration' or tokens_used > 0
group by 1, 2, 3;

insert into usage_libraries (user_id, month, library, migrations)
select user_id, month, coalesce(library, ''), sum(quantity)
from usage_events
where event_type = 'migration'
group by 1, 2, 3;
