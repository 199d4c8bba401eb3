-- Which API key reserved and used what, and migrations added up by key. Why: the PostgreSQL file of the same name.
-- compatible_from: 1

alter table usage_events add column key_id text;
alter table reservations add column key_id text;

create table usage_keys (
    user_id    text not null,
    month      text not null,
    key_id     text not null,
    migrations integer not null default 0,
    primary key (user_id, month, key_id)
) strict, without rowid;
