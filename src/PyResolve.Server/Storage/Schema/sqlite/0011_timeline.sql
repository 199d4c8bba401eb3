-- An epoch that a restore cannot repeat, and a row to prove that the database accepts writes. Why: the PostgreSQL file of the same name.
-- compatible_from: 1

alter table key_epoch add column stamp text not null default '';
alter table key_changes add column stamp text not null default '';
insert or ignore into key_changes (epoch, user_id) select epoch, null from key_epoch;
update key_epoch set stamp = lower(hex(randomblob(16)));
update key_changes set stamp = (select stamp from key_epoch) where epoch = (select epoch from key_epoch);
create trigger key_changes_stamped after insert on key_changes
begin
    update key_epoch set stamp = lower(hex(randomblob(16)));
    update key_changes set stamp = (select stamp from key_epoch) where epoch = new.epoch;
end;

create table write_checks (
    id         integer primary key default 1 check (id = 1),
    checked_at integer
) strict;
insert into write_checks (id) values (1);

create trigger api_keys_revoked_once before update on api_keys
when old.revoked_at is not null and new.revoked_at is null
begin
    select raise(abort, 'A revoked key stays revoked. Create a new key.');
end;
