-- People, their sessions and API tokens. Nothing here can be turned back into a password, cookie or token.
create table users (
  id text primary key,                 -- 'usr_...'
  username text not null unique collate nocase, -- shown as typed, compared without case; never holds a colon (HTTP Basic)
  password_hash text not null,         -- argon2id in PHC form, salt and parameters inside
  role text not null check (role in ('admin', 'viewer')), -- admin: everything; viewer: watches, changes nothing
  cameras text check (cameras is null or json_valid(cameras)), -- JSON list of camera ids a viewer may see; null: all
  created_at integer not null,         -- when it was made
  changed_at integer not null          -- last change of name, password, role or cameras
) strict;

create table sessions (
  id text primary key,                 -- SHA-256 (hex) of the cookie's secret
  user_id text not null references users (id) on delete cascade, -- who signed in
  created_at integer not null,         -- when they signed in
  used_at integer not null,            -- last request, to the minute
  address text not null                -- where the sign-in came from, for the list of sessions
) strict;
create index sessions_by_user on sessions (user_id, used_at);

create table tokens (
  id text primary key,                 -- 'tok_...'
  hash text not null unique,           -- SHA-256 (hex) of the token
  user_id text not null references users (id) on delete cascade, -- who made it; it never may more than that user
  name text not null,                  -- what it is for, shown to people
  scope text not null check (scope in ('admin', 'viewer', 'stream')), -- stream: media URLs only
  cameras text check (cameras is null or json_valid(cameras)), -- JSON list of camera ids; null: all
  created_at integer not null,         -- when it was made
  expires_at integer,                  -- not accepted from then on; null: never expires
  used_at integer                      -- last use, to the minute; null: never used
) strict;
create index tokens_by_user on tokens (user_id);
