alter table job_package drop column previous;
