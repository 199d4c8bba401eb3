-- What an operator searches by, and how old entries of the audit log are deleted. Why: the PostgreSQL file of the same name.
-- compatible_from: 1

create index profiles_stripe_customer on profiles (stripe_customer_id) where stripe_customer_id is not null;
create index audit_log_age on audit_log (at);

create table audit_retention (
    id             integer primary key default 1 check (id = 1),
    deleted_before integer
) strict;
insert into audit_retention (deleted_before) values (null);

drop trigger audit_log_is_never_deleted;
create trigger audit_log_keeps_entries before delete on audit_log
when not exists (select 1 from audit_retention where deleted_before > old.at)
begin
    select raise(abort, 'audit_log is append-only');
end;
