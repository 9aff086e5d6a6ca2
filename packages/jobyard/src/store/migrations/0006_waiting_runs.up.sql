-- compatible
-- Pages when many runs wait. What is not finished either has an owner, and is as few as the instances can work on, or is
-- in the index of those that wait. A run enters it with its creation and leaves it when an instance takes it.
create index run_waiting on run (collection_id, kind, why, state, id) where owner is null and finished_at is null;
drop index run_live;
create index run_live on run (job_id, finished_at, id) where finished_at is null;
drop index run_collection_page;
create index run_collection_page on run (collection_id, kind, why, state, id) where finished_at is not null;
