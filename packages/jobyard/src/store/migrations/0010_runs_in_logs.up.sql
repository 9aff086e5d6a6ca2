-- compatible
-- What the log of a continuous job tells of a run and nobody can work out later, when settings are others and older runs are
-- gone: how its instance was called; whether the job went on after a wait (`again`) and what the instance had said of
-- the singleton; when it was asked to end; the wait after its end; and how many bytes the job's log had then.
create table continuous_run (
  job_id {id} not null references job (id) on delete cascade,
  run_id {id} not null,
  place {text} not null,
  called {text},
  again {int} not null default 0,
  said {int},
  asked_at {int},
  wait_ms {int},
  log_end {int},
  primary key (job_id, run_id)
){keyed};
create index continuous_run_end on continuous_run (job_id, log_end) where log_end is not null;

-- How the instance was called that put an occurrence on record.
alter table occurrence add column called {text};
