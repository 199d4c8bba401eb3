-- When this store may have lost its last changes. Why: the PostgreSQL file of the same name.
-- compatible_from: 1

create table store_history (
    id      integer primary key default 1 check (id = 1),
    lineage text not null default ''
) strict;
insert into store_history (id) values (1);

create table store_losses (
    noticed_at integer primary key
) strict;
