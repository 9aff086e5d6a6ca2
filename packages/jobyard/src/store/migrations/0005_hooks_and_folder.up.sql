-- compatible
-- Calls to others' addresses when something happens in a collection. `url` is without user and password; those are in
-- `credentials`, encrypted. `last_` is what became of the last call.
create table hook (
  id {id} primary key,
  collection_id {id} not null references collection (id) on delete cascade,
  event {text} not null check (event in ('run-finished', 'deployed')),
  url {text} not null,
  credentials {text},
  insecure {int} not null default 0,
  created_by {text} not null,
  created_at {int} not null,
  last_status {int},
  last_reason {text},
  last_at {int},
  last_body {text}
){keyed};
create index hook_collection on hook (collection_id, event);

-- Calls that are to be made. Each is written in the transaction that brought it about and goes when it was made;
-- whoever makes it holds it until `held_until`.
create table hook_call (
  id {id} primary key,
  hook_id {id} not null references hook (id) on delete cascade,
  subject {text} not null,
  held_until {int} not null default 0,
  created_at {int} not null
){keyed};
create index hook_call_hook on hook_call (hook_id, id);

-- A folder that jobs of a collection come from, the instance that looks into it, and what of it is not deployed and why.
create table watched_folder (
  collection_id {id} primary key references collection (id) on delete cascade,
  path {text} not null,
  instance {text} not null,
  seen_at {int} not null,
  problems {text} not null default '[]'
){keyed};

-- Jobs that came from a watched folder and go with it.
create table folder_job (
  job_id {id} primary key references job (id) on delete cascade
){keyed};
