-- The operator's first page adds up what all accounts used today.
-- compatible_from: 1

create index usage_daily_date on usage_daily (date);
