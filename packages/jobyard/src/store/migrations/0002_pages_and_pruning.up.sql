-- Pages. A finished run is entered once, under what it is looked for by; every filter of a list is then the beginning
-- of an index, and its order by id the end of one. Runs that are not finished are few, and found by run_live.
drop index run_history;
drop index run_finished;
drop index run_job_finished;
drop index run_rare;
drop index run_live;
-- With the empty column, because SQLite takes a unique index of jobs for the better one otherwise.
create index run_live on run (job_id, finished_at) where finished_at is null;
create unique index run_number on run (job_id, number);
create index run_page on run (kind, why, state, id) where finished_at is not null;
create index run_collection_page on run (collection_id, why, state, id) where finished_at is not null;
create index run_job_page on run (job_id, why, state, id) where finished_at is not null;

-- Retention: by the end of runs, without counting what is kept. A job has run_count - pruned_count runs.
create index run_ended on run (job_id, finished_at, id) where finished_at is not null;
alter table job add column pruned_count {int} not null default 0;
update job set pruned_count = run_count - (select count(*) from run where run.job_id = job.id);

create index job_page on job (name_key, id, kind, type, enabled) where deleted_at is null;
create index job_collection_page on job (collection_id, name_key, id, kind, type, enabled) where deleted_at is null;
create index audit_collection on audit (collection_id, id);

-- Attempts that wait for their time, for whoever must look at them because the clock was put back.
create index task_waiting on task (not_before) where not_before is not null and state = 'pending';
