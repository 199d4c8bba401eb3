-- The second factor of a login, logins that wait for its code, and e-mail addresses that wait for their confirmation. Why: the PostgreSQL
-- file of the same name.
-- compatible_from: 1

create table second_factors (
    user_id      text primary key references profiles (id) on delete cascade,
    secret       blob not null,
    created_at   integer not null,
    confirmed_at integer,
    last_step    integer not null default 0
) strict, without rowid;

create table recovery_codes (
    user_id     text not null references profiles (id) on delete cascade,
    code_digest blob not null,
    used_at     integer,
    primary key (user_id, code_digest)
) strict, without rowid;

create table pending_logins (
    token_digest blob primary key,
    user_id      text not null references profiles (id) on delete cascade,
    next_path    text not null,
    created_at   integer not null,
    expires_at   integer not null
) strict, without rowid;
create index pending_logins_user on pending_logins (user_id);
create index pending_logins_expiry on pending_logins (expires_at);

create table email_changes (
    token_digest blob primary key,
    user_id      text not null references profiles (id) on delete cascade,
    old_email    text not null,
    new_email    text not null,
    created_at   integer not null,
    expires_at   integer not null
) strict, without rowid;
create index email_changes_user on email_changes (user_id);
create index email_changes_expiry on email_changes (expires_at);
