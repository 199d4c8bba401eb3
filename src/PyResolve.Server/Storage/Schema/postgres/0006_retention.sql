-- How far the ledger's events may have been deleted. Their rollups stay.
-- compatible_from: 1

-- One row. Events of months before deleted_before may be gone: whoever counts the ledger again leaves those months alone. It is written
-- before the first of them is deleted. One instance at a time deletes: the one that claimed it, until then.
create table usage_retention (
    id             integer primary key default 1 check (id = 1),
    deleted_before text,
    claimed_by     uuid,
    claimed_until  timestamptz
);
insert into usage_retention (id) values (1);

do $$
begin
    if exists (select from pg_roles where rolname = 'anon') then
        alter table usage_retention enable row level security;
    end if;
end $$;
