drop table folder_job;
drop table watched_folder;
drop table hook_call;
drop table hook;
