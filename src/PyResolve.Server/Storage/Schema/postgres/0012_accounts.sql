-- One mailbox, one account; who proved an address; networks that logged in; use of the month that outlives its account; sessions that are seen.
-- compatible_from: 1

-- The normal form of the e-mail address, computed by the server (it is not lower(email)) and compared by bytes. It is null in a row that was
-- written by SQL or by an older server, until a server has computed it, and in a row whose mailbox another account has: email_clash names that one.
alter table profiles add column email_key text collate "C";
alter table profiles add column email_clash uuid;
drop index profiles_email;
create unique index profiles_email_key on profiles (email_key);
create index profiles_email_unkeyed on profiles (created_at, id) where email_key is null and email_clash is null and email <> '';
create index profiles_email_clash on profiles (email) where email_clash is not null;

create function profile_email_changed() returns trigger
language plpgsql as $$
begin
    new.email_key := null;
    new.email_clash := null;
    return new;
end $$;
create trigger profiles_email_changed before update on profiles for each row
when (old.email is distinct from new.email and old.email_key is not distinct from new.email_key)
execute function profile_email_changed();

-- When the owner of the mailbox took over: the password and the keys of an account without it may be those of somebody else who typed the address.
alter table profiles add column owner_proved_at timestamptz;
update profiles set owner_proved_at = email_verified_at where email_verified_at is not null;
update profiles set owner_proved_at = created_at
where owner_proved_at is null and exists (select from identities where identities.user_id = profiles.id);

-- A link that an operator hands over shows nothing about the mailbox.
alter table email_tokens add column by_operator boolean not null default false;

alter table sessions add column last_seen_at timestamptz;
alter table sessions add column address text;
alter table sessions add column user_agent text;

-- Networks from which somebody logged in: guesses from elsewhere do not lock them out. subject is a digest of the address, as in attempts.
create table login_networks (
    subject text not null,
    network text not null,
    seen_at timestamptz not null,
    primary key (subject, network)
);
create index login_networks_age on login_networks (seen_at);

-- What deleted accounts had used of their month's quota, by a digest of their e-mail address and of their identities.
create table spent_quota (
    digest bytea not null,
    month  text not null,
    used   bigint not null,
    primary key (digest, month)
);

do $$
begin
    if exists (select from pg_roles where rolname = 'anon') then
        alter table login_networks enable row level security;
        alter table spent_quota enable row level security;
        revoke all on login_networks, spent_quota from anon, authenticated;
    end if;
end $$;
