alter table folder_job drop column place;
