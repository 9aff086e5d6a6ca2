drop index run_collection_page;
create index run_collection_page on run (collection_id, why, state, id) where finished_at is not null;
drop index run_live;
create index run_live on run (job_id, finished_at) where finished_at is null;
drop index run_waiting;
