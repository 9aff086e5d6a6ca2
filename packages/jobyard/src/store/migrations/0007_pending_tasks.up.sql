-- compatible
-- What is to be begun next of a run, of which hundreds of thousands of tasks may be pending.
create index if not exists task_pending on task (run_id, coalesce(not_before, 0), id) where state = 'pending';
