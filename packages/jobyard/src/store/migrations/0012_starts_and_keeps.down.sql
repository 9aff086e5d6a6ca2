alter table watched_folder drop column keeps;
drop index audit_starts;
alter table audit drop column job_id;
