-- The order in which events are listed and exported, whole. Why: the PostgreSQL file of the same name.
-- compatible_from: 1

-- Building it takes seconds for each million events, in which nothing is served.
create index if not exists usage_events_order on usage_events (user_id, month, created_at, id);
drop index if exists usage_events_month;
