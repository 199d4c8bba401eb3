-- What accounts need around them. Why each table and column is as it is: the PostgreSQL file of the same name.
-- compatible_from: 1

alter table profiles add column email_key text;
alter table profiles add column email_clash text;
drop index profiles_email;
create unique index profiles_email_key on profiles (email_key);
create index profiles_email_unkeyed on profiles (created_at, id) where email_key is null and email_clash is null and email <> '';
create index profiles_email_clash on profiles (email) where email_clash is not null;

create trigger profiles_email_changed after update on profiles
when old.email is not new.email and old.email_key is new.email_key
begin
    update profiles set email_key = null, email_clash = null where id = new.id;
end;

alter table profiles add column owner_proved_at integer;
update profiles set owner_proved_at = email_verified_at where email_verified_at is not null;
update profiles set owner_proved_at = created_at
where owner_proved_at is null and exists (select 1 from identities where identities.user_id = profiles.id);

alter table email_tokens add column by_operator integer not null default 0;

alter table sessions add column last_seen_at integer;
alter table sessions add column address text;
alter table sessions add column user_agent text;

create table login_networks (
    subject text not null,
    network text not null,
    seen_at integer not null,
    primary key (subject, network)
) strict;
create index login_networks_age on login_networks (seen_at);

create table spent_quota (
    digest blob not null,
    month  text not null,
    used   integer not null,
    primary key (digest, month)
) strict;
