alter table occurrence drop column called;
drop table continuous_run;
