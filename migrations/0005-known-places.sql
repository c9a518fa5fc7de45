-- From where each person signed in lately: guesses of strangers elsewhere do not lock these places out.
create table known_places (
  user_id text not null references users (id) on delete cascade, -- who signed in there
  kind text not null check (kind in ('address', 'device')), -- address: where the request came from; device: the browser's cookie
  place text not null,                 -- the address (IPv6: its /64), or SHA-256 (hex) of the cookie's secret
  used_at integer not null,            -- last sign-in with the right password, to the hour
  primary key (user_id, kind, place)
) strict, without rowid;
create index known_places_by_age on known_places (used_at);
