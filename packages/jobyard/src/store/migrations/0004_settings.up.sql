-- App settings of collections. `slot` is null, or names the only slot that the setting is for: such a row is left out
-- of backups. `steer` and `amount` repeat what a setting says to the engine in a form that statements can use.
create table setting (
  collection_id {id} not null references collection (id),
  name_key {id} not null,
  name {text} not null,
  value {text} not null,
  secret {int} not null,
  slot {text},
  steer {text},
  amount {int},
  updated_at {int} not null,
  updated_by {text} not null,
  primary key (collection_id, name_key)
){keyed};
-- Covering, because SQLite would look through all settings of the collection otherwise, at every start of a run.
create index setting_steer on setting (collection_id, steer, amount, slot) where steer is not null;
