-- compatible
-- The folder of jobs in its watched folder that a job came from, as a path; null: not known, because a program before this
-- noted it.
alter table folder_job add column place {text};
