-- The second factor of a login, logins that wait for its code, and e-mail addresses that wait for their confirmation.
-- compatible_from: 1

-- secret: encrypted where the server has a key, see docs/accounts.md. confirmed_at is null until a first code has shown that the app has the
-- secret; until then it counts for nothing. last_step: the time step of the last code that was accepted; none up to it is accepted again.
create table second_factors (
    user_id      uuid primary key references profiles (id) on delete cascade,
    secret       bytea not null,
    created_at   timestamptz not null,
    confirmed_at timestamptz,
    last_step    bigint not null default 0
);

create table recovery_codes (
    user_id     uuid not null references profiles (id) on delete cascade,
    code_digest bytea not null,
    used_at     timestamptz,
    primary key (user_id, code_digest)
);

-- A page has checked the password, and asks for the code.
create table pending_logins (
    token_digest bytea primary key,
    user_id      uuid not null references profiles (id) on delete cascade,
    next_path    text not null,
    created_at   timestamptz not null,
    expires_at   timestamptz not null
);
create index pending_logins_user on pending_logins (user_id);
create index pending_logins_expiry on pending_logins (expires_at);

-- The link in the e-mail to the new address. Valid only while the account still has the old one.
create table email_changes (
    token_digest bytea primary key,
    user_id      uuid not null references profiles (id) on delete cascade,
    old_email    text not null,
    new_email    text not null,
    created_at   timestamptz not null,
    expires_at   timestamptz not null
);
create index email_changes_user on email_changes (user_id);
create index email_changes_expiry on email_changes (expires_at);

do $$
begin
    if exists (select from pg_roles where rolname = 'anon') then
        alter table second_factors enable row level security;
        alter table recovery_codes enable row level security;
        alter table pending_logins enable row level security;
        alter table email_changes enable row level security;
        revoke all on second_factors, recovery_codes, pending_logins, email_changes from anon, authenticated;
    end if;
end $$;
