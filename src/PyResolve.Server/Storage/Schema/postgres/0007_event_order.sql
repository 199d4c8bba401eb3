-- The order in which events are listed and exported, whole: with the id in it the index alone says where a page goes on, whatever the
-- planner believes of the table.
-- compatible_from: 1

-- Building it takes seconds for each million events, and usage waits meanwhile. To spare it that on a large ledger, run this before the upgrade,
-- outside a transaction:
--   create index concurrently usage_events_order on usage_events (user_id, month, created_at, id);
create index if not exists usage_events_order on usage_events (user_id, month, created_at, id);

-- The one above begins with the same columns.
drop index if exists usage_events_month;
