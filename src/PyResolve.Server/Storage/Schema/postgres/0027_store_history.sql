-- When this store may have lost its last changes: usage of reservations that it does not have any longer is recorded all the same.
-- compatible_from: 1

-- lineage: the server, its timeline, the database and its tables, as they were seen last. A failover or a restore changes it. '': not yet seen.
create table store_history (
    id      integer primary key default 1 check (id = 1),
    lineage text not null default ''
);
insert into store_history (id) values (1);

create table store_losses (
    noticed_at timestamptz primary key
);

do $$
begin
    if exists (select from pg_roles where rolname = 'anon') then
        alter table store_history enable row level security;
        alter table store_losses enable row level security;
        revoke all on store_history, store_losses from anon, authenticated;
    end if;
end $$;
