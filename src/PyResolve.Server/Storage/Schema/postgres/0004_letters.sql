-- Letters that are to be written and sent.
-- compatible_from: 1

-- What a letter tells of, never what it says: the secret of its link is drawn when it is sent, and nowhere but in the letter.
-- due_at is also the lease of whoever is sending it. email is what was typed, until it is known whose it is.
create table letters (
    id         uuid primary key,
    kind       text not null,
    user_id    uuid references profiles (id) on delete cascade,
    email      text,
    detail     text,
    address    text,
    tries      integer not null default 0,
    created_at timestamptz not null,
    due_at     timestamptz not null
);
create index letters_due on letters (due_at);
create index letters_user on letters (user_id);

do $$
begin
    if exists (select from pg_roles where rolname = 'anon') then
        alter table letters enable row level security;
    end if;
end $$;
