-- Plans are named by the catalogue of the configuration, so the database knows only the form of a name. Why: the PostgreSQL file of the
-- same name. A check cannot be changed, so new columns take the place of the old ones.
-- compatible_from: 1

drop trigger profiles_updated;

alter table profiles add column new_plan text not null default 'free'
    check (new_plan glob '[a-z]*' and new_plan not glob '*[^a-z0-9_-]*' and length(new_plan) <= 32);
alter table profiles add column new_then text not null default 'free'
    check (new_then glob '[a-z]*' and new_then not glob '*[^a-z0-9_-]*' and length(new_then) <= 32);
alter table profiles add column new_override text
    check (new_override glob '[a-z]*' and new_override not glob '*[^a-z0-9_-]*' and length(new_override) <= 32);
update profiles set new_plan = plan, new_then = plan_then, new_override = plan_override;
alter table profiles drop column plan;
alter table profiles drop column plan_then;
alter table profiles drop column plan_override;
alter table profiles rename column new_plan to plan;
alter table profiles rename column new_then to plan_then;
alter table profiles rename column new_override to plan_override;

alter table profiles add column plan_seats integer;
alter table profiles add column plan_by_contract integer not null default 0;

create trigger profiles_updated after update on profiles
when (old.id, old.email, old.name, old.plan, old.deleted_at) is not (new.id, new.email, new.name, new.plan, new.deleted_at)
begin
    update key_epoch set epoch = epoch + 1;
    insert into key_changes (epoch, user_id) select epoch, old.id from key_epoch;
end;
