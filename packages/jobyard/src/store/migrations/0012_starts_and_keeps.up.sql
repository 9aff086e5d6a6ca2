-- compatible
-- Of which job a run was that somebody started: so the entries of its starts are bounded by number.
alter table audit add column job_id {id};
update audit set job_id = (select run.job_id from run where run.id = audit.target_id)
  where action in ('run.start', 'run.rerun');
create index audit_starts on audit (job_id, id) where job_id is not null;

-- The jobs of a watched folder that are not found there now, apart from the problems, which older programs read. What
-- was noted in another form is noted anew at the folder's next look.
alter table watched_folder add column keeps {text} not null default '[]';
update watched_folder set problems = '[]' where problems not like '[%';
