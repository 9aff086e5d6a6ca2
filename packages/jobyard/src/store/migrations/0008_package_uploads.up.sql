-- compatible
-- Packages that came by tokens of one collection, which may see those and the packages of its jobs, but no others.
create table package_upload (
  collection_id {id} not null references collection (id) on delete cascade,
  hash {text} not null references package (hash) on delete cascade,
  primary key (collection_id, hash)
){keyed};
create index package_upload_hash on package_upload (hash);
