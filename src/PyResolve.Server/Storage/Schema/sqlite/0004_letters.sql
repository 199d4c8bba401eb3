-- Letters that are to be written and sent. Why the table is as it is: the PostgreSQL file of the same name.
-- compatible_from: 1

create table letters (
    id         text primary key,
    kind       text not null,
    user_id    text references profiles (id) on delete cascade,
    email      text,
    detail     text,
    address    text,
    tries      integer not null default 0,
    created_at integer not null,
    due_at     integer not null
) strict;
create index letters_due on letters (due_at);
create index letters_user on letters (user_id);
