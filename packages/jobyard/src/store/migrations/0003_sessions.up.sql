-- compatible
-- Sign-ins of browsers. Each stands for a token and is worth nothing without it; of its secret only a hash.
create table session (
  hash {text} primary key,
  token_id {id} not null,
  created_at {int} not null,
  expires_at {int} not null
){keyed};
create index session_token on session (token_id, created_at);
create index session_expiry on session (expires_at);
