-- One text for both databases. {text}, {int}, {blob}, {id} and {keyed} stand for what the database calls them.
create table meta (
  name {text} primary key,
  value {text} not null
){keyed};

create table instance (
  id {id} primary key,
  name {text} not null,
  host {text} not null,
  pid {int} not null,
  version {text} not null,
  state {text} not null check (state in ('up', 'draining', 'gone')),
  started_at {int} not null,
  seen_at {int} not null,
  expires_at {int} not null
){keyed};

create table collection (
  id {id} primary key,
  name {text} not null,
  name_key {id} not null unique,
  created_at {int} not null
){keyed};

create table job (
  id {id} primary key,
  number {int} not null unique,
  collection_id {id} not null references collection (id),
  kind {text} not null,
  type {text} not null,
  name {text} not null,
  name_key {id} not null,
  spec {text} not null,
  policy {text} not null,
  enabled {int} not null,
  judged {int} not null default 0,
  package_hash {text},
  version {int} not null,
  run_count {int} not null default 0,
  warnings {text} not null,
  created_at {int} not null,
  updated_at {int} not null,
  deleted_at {int}
){keyed};
create unique index job_name on job (collection_id, kind, type, name_key) where deleted_at is null;
create index job_deleted on job (deleted_at) where deleted_at is not null;

create table job_trigger (
  id {id} primary key,
  job_id {id} not null references job (id),
  type {text} not null,
  detail {text} not null,
  after_job_id {id},
  singleton {int} not null default 0,
  considered_at {int},
  next_due {int}
){keyed};
create index job_trigger_job on job_trigger (job_id);
create index job_trigger_due on job_trigger (next_due) where next_due is not null;
create index job_trigger_after on job_trigger (after_job_id) where after_job_id is not null;

create table occurrence (
  job_id {id} not null,
  due {int} not null,
  outcome {text} not null check (outcome in ('ran', 'skipped', 'missed')),
  reason {text},
  run_id {id},
  more {int} not null default 0,
  recorded_at {int} not null,
  primary key (job_id, due)
){keyed};

create table run (
  id {id} primary key,
  job_id {id} not null,
  collection_id {id} not null,
  kind {text} not null,
  number {int} not null,
  why {text} not null,
  detail {text} not null,
  args {text} not null,
  package_hash {text},
  job_version {int},
  state {text} not null,
  wanted {text} not null default 'run',
  plan_closed {int} not null default 0,
  cursor {text},
  judged {int} not null default 0,
  n_pending {int} not null default 0,
  n_running {int} not null default 0,
  n_blocked {int} not null default 0,
  n_disconnected {int} not null default 0,
  n_suspended {int} not null default 0,
  n_completed {int} not null default 0,
  n_failed {int} not null default 0,
  n_stopped {int} not null default 0,
  owner {id},
  fence {int} not null default 0,
  crashes {int} not null default 0,
  dispatch_at {int},
  queued {int} not null default 0,
  exclusive {text},
  scheduled_for {int},
  created_at {int} not null,
  started_at {int},
  finished_at {int},
  reason_code {text},
  reason_text {text},
  exit_code {int},
  cpu_ms {int},
  peak_bytes {int}
){keyed};
create index run_history on run (job_id, id);
create index run_live on run (job_id) where finished_at is null;
create index run_dispatch on run (dispatch_at) where dispatch_at is not null;
create index run_owner on run (owner) where owner is not null;
create index run_queue on run (job_id, id) where queued = 1;
create index run_finished on run (state, id) where finished_at is not null;
create index run_rare on run (why, id) where why in ('webhook', 'after', 'rerun', 'failure');
create index run_job_finished on run (job_id, state, id) where finished_at is not null;
create unique index run_exclusive on run (exclusive) where exclusive is not null and finished_at is null;
create unique index run_schedule on run (job_id, scheduled_for) where scheduled_for is not null;

create table task (
  id {id} primary key,
  run_id {id} not null,
  target {text} not null,
  attempt {int} not null,
  crashes {int} not null default 0,
  latest {int} not null default 1,
  state {text} not null,
  detail {text},
  owner {id},
  fence {int} not null default 0,
  not_before {int},
  parked_until {int},
  reason_code {text},
  reason_text {text},
  result {text},
  exit_code {int},
  cpu_ms {int},
  peak_bytes {int},
  created_at {int} not null,
  started_at {int},
  finished_at {int}
){keyed};
create unique index task_attempt on task (run_id, target, attempt);
create index task_parked on task (parked_until) where parked_until is not null;

-- Tasks whose rows are gone and whose output is still to be deleted from its own database.
create table output_trash (
  task_id {id} primary key
){keyed};

create table payload (
  run_id {id} primary key,
  content_type {text},
  body {blob} not null
){keyed};

create table continuous (
  job_id {id} not null,
  place {text} not null,
  run_id {id},
  started_at {int},
  restart_at {int},
  quick_ends {int} not null default 0,
  starts {int} not null default 0,
  primary key (job_id, place)
){keyed};

create table package (
  hash {text} primary key,
  files {int} not null,
  bytes {int} not null,
  detail {text} not null,
  created_at {int} not null
){keyed};

create table job_package (
  job_id {id} not null,
  number {int} not null,
  hash {text} not null,
  source {text} not null,
  deployed_by {text} not null,
  deployed_at {int} not null,
  primary key (job_id, number)
){keyed};
create index job_package_hash on job_package (hash);

create table token (
  id {id} primary key,
  name {text} not null,
  name_key {id} not null,
  hash {text} not null unique,
  role {text} not null check (role in ('admin', 'deployer', 'operator', 'viewer')),
  collection_id {id},
  created_by {text} not null,
  created_at {int} not null,
  expires_at {int},
  revoked_at {int},
  last_used_at {int}
){keyed};
create unique index token_name on token (name_key) where revoked_at is null;

create table audit (
  id {id} primary key,
  time {int} not null,
  actor {text} not null,
  role {text} not null,
  address {text},
  action {text} not null,
  target_type {text} not null,
  target_id {id},
  target_name {text},
  collection_id {id},
  detail {text} not null
){keyed};
create index audit_target on audit (target_id, id);

create table idempotency (
  actor {text} not null,
  name {text} not null,
  fingerprint {text} not null,
  status {int} not null,
  body {text} not null,
  expires_at {int} not null,
  primary key (actor, name)
){keyed};
create index idempotency_expiry on idempotency (expires_at);
