-- What happened, what people did, and what they set. All three tables are bounded by the program.
create table events (
  id integer primary key autoincrement, -- grows with time; never given twice
  at integer not null,                 -- when it happened
  type text not null,                  -- name of the fact: camera.lost, recording.failed, ...
  camera_id text,                      -- the camera it is about, which may be gone; null: not about one camera
  slug text,                           -- that camera's slug at the time
  data text not null check (json_valid(data)) -- JSON: the rest of the fact
) strict;
create index events_by_time on events (at, id);
create index events_by_camera on events (camera_id, at, id);
create index events_by_type on events (type, at, id);

create table audit (
  id integer primary key autoincrement, -- in order of happening
  at integer not null,                 -- when it was done
  username text not null,              -- who did it, as named then; for a failed sign-in the name that was tried
  via text not null,                   -- session, password, token or none
  address text not null,               -- where the request came from
  action text not null,                -- session.created, camera.changed, ...
  target text,                         -- what it was done to: a slug, a user name, a token's name
  detail text                          -- names of the changed fields or the reason; never values or secrets
) strict;

create table settings (
  name text primary key,               -- name of a setting of the whole system
  value text not null check (json_valid(value)) -- JSON
) strict;
