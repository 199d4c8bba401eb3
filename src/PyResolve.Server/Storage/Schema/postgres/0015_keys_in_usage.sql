-- Which API key reserved and used what, and migrations added up by key.
-- compatible_from: 1

-- null: a session, a row from before, or one that an older server wrote.
alter table usage_events add column key_id uuid;
alter table reservations add column key_id uuid;

-- Migrations alone, of events that have a key.
create table usage_keys (
    user_id    uuid not null,
    month      text not null,
    key_id     uuid not null,
    migrations bigint not null default 0,
    primary key (user_id, month, key_id)
);

do $$
begin
    if exists (select from pg_roles where rolname = 'anon') then
        alter table usage_keys enable row level security;
        revoke all on usage_keys from anon, authenticated;
    end if;
end $$;
