drop index task_pending;
