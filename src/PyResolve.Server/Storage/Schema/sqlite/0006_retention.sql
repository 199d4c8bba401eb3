-- How far the ledger's events may have been deleted. Why it is as it is: the PostgreSQL file of the same name.
-- compatible_from: 1

create table usage_retention (
    id             integer primary key default 1 check (id = 1),
    deleted_before text,
    claimed_by     text,
    claimed_until  integer
) strict;
insert into usage_retention (id) values (1);
