-- compatible
-- A package is kept once per job, with the one that was in use before it. Deployments of the same package, and going
-- back to one, had entries of their own before; of each package the latest deployment stays.
alter table job_package add column previous {text};
delete from job_package where source = 'rollback' and exists (select 1 from job_package other
  where other.job_id = job_package.job_id and other.hash = job_package.hash and other.source <> 'rollback');
delete from job_package where exists (select 1 from job_package other
  where other.job_id = job_package.job_id and other.hash = job_package.hash and other.number > job_package.number);
update job_package set previous = (select other.hash from job_package other
  where other.job_id = job_package.job_id and other.number < job_package.number order by other.number desc limit 1);
