-- What is recorded and why the rest is not, ready for timelines; and exports. Everything about segments is kept by
-- triggers, so that no way of adding or deleting one can forget it.

-- Recorded time: segments of one camera less than 1 s apart, joined.
create table recorded_runs (
  camera_id text not null,             -- the camera that recorded it
  start_at integer not null,           -- first picture
  end_at integer not null check (end_at > start_at), -- end of the last segment in it
  primary key (camera_id, start_at)
) strict, without rowid;

-- Time that was recorded and is not there any more, joined in the same way.
create table deleted_runs (
  camera_id text not null,             -- the camera that had recorded it
  start_at integer not null,           -- first picture
  end_at integer not null check (end_at > start_at), -- end of the last segment in it
  primary key (camera_id, start_at)
) strict, without rowid;

-- The journal of every camera that should be recording: what held when. No span is longer than a day.
create table watch_spans (
  id integer primary key,              -- grows with time
  camera_id text not null,             -- which camera
  start_at integer not null,           -- since when it held
  end_at integer check (end_at >= start_at), -- until when; null: it still does
  condition text not null,             -- recording: all is well; else the reason of the gap, see below
  check (condition in ('recording', 'offline', 'refused', 'cameraDisabled', 'released', 'recorderFailed', 'perchDown',
    'diskFull', 'storageMissing', 'clockStep'))
) strict;
create index watch_spans_by_time on watch_spans (camera_id, start_at, end_at, condition);
create index watch_spans_open on watch_spans (camera_id) where end_at is null;

-- One row: when Perch was last alive. After a kill -9 the time since then is known.
create table heartbeat (
  id integer primary key check (id = 1), -- always 1
  alive_at integer not null            -- wall clock, every two seconds
) strict;

insert into recorded_runs (camera_id, start_at, end_at)
  select camera_id, min(start_at), max(end_at) from (
    select camera_id, start_at, end_at, sum(fresh) over (partition by camera_id order by start_at, end_at) as run from (
      select camera_id, start_at, end_at, coalesce(start_at - max(end_at) over (partition by camera_id
        order by start_at, end_at rows between unbounded preceding and 1 preceding) >= 1000, 1) as fresh
      from segments where doomed_at is null and camera_id is not null))
  group by camera_id, run;

create trigger segments_run_added after insert on segments
  when new.doomed_at is null and new.camera_id is not null begin
  insert into recorded_runs (camera_id, start_at, end_at)
    select new.camera_id, min(new.start_at, coalesce(min(start_at), new.start_at)),
      max(new.end_at, coalesce(max(end_at), new.end_at))
    from recorded_runs where camera_id = new.camera_id and start_at < new.end_at + 1000 and end_at > new.start_at - 1000
      and start_at >= coalesce((select max(start_at) from recorded_runs
        where camera_id = new.camera_id and start_at <= new.start_at), new.start_at)
    on conflict (camera_id, start_at) do update set end_at = excluded.end_at;
  delete from recorded_runs where camera_id = new.camera_id and start_at < new.end_at + 1000
    and start_at > (select max(start_at) from recorded_runs where camera_id = new.camera_id and start_at <= new.start_at);
end;

-- With the run's last segment before the deleted one (P) and its first one after it (N): what follows becomes a run of
-- its own, the run ends with P, and goes when there is no P. Nothing happens when P and N still join.
create trigger segments_run_doomed after update of doomed_at on segments
  when old.doomed_at is null and new.doomed_at is not null and old.camera_id is not null begin
  insert into recorded_runs (camera_id, start_at, end_at)
    select r.camera_id, n.start_at, r.end_at
    from (select * from recorded_runs where camera_id = old.camera_id and start_at <= old.start_at
        order by start_at desc limit 1) as r
      join (select start_at from segments where camera_id = old.camera_id and doomed_at is null
        and start_at >= old.start_at order by start_at limit 1) as n
      left join (select start_at, end_at from segments where camera_id = old.camera_id and doomed_at is null
        and start_at <= old.start_at order by start_at desc limit 1) as p on p.start_at >= r.start_at
    where n.start_at < r.end_at and (p.end_at is null or n.start_at - p.end_at >= 1000)
    on conflict (camera_id, start_at) do nothing;
  update recorded_runs set end_at = (select end_at from segments where camera_id = old.camera_id and doomed_at is null
      and start_at <= old.start_at order by start_at desc limit 1)
    where camera_id = old.camera_id
      and start_at = (select max(start_at) from recorded_runs
        where camera_id = old.camera_id and start_at <= old.start_at)
      and exists (select 1 from (select start_at, end_at from segments where camera_id = old.camera_id
          and doomed_at is null and start_at <= old.start_at order by start_at desc limit 1) as p
        left join (select start_at from segments where camera_id = old.camera_id and doomed_at is null
          and start_at >= old.start_at order by start_at limit 1) as n on n.start_at < recorded_runs.end_at
        where p.start_at >= recorded_runs.start_at and p.end_at > recorded_runs.start_at
          and (n.start_at is null or n.start_at - p.end_at >= 1000));
  delete from recorded_runs where camera_id = old.camera_id
    and start_at = (select max(start_at) from recorded_runs
      where camera_id = old.camera_id and start_at <= old.start_at)
    and not exists (select 1 from segments where camera_id = old.camera_id and doomed_at is null
      and start_at <= old.start_at and start_at >= recorded_runs.start_at);

  insert into deleted_runs (camera_id, start_at, end_at)
    select old.camera_id, min(old.start_at, coalesce(min(start_at), old.start_at)),
      max(old.end_at, coalesce(max(end_at), old.end_at))
    from deleted_runs where camera_id = old.camera_id and start_at < old.end_at + 1000 and end_at > old.start_at - 1000
      and start_at >= coalesce((select max(start_at) from deleted_runs
        where camera_id = old.camera_id and start_at <= old.start_at), old.start_at)
    on conflict (camera_id, start_at) do update set end_at = excluded.end_at;
  delete from deleted_runs where camera_id = old.camera_id and start_at < old.end_at + 1000
    and start_at > (select max(start_at) from deleted_runs where camera_id = old.camera_id and start_at <= old.start_at);
end;

-- Spans of recordings as one file.
create table exports (
  id text primary key,                 -- 'exp_...'
  camera_id text not null,             -- whose recordings; the camera may be gone
  name text not null,                  -- name of the camera at that time, for the file's name
  from_at integer not null,            -- begin of the span
  to_at integer not null check (to_at > from_at), -- its end
  state text not null check (state in ('queued', 'running', 'done', 'failed')), -- a cancelled one has no row
  progress real not null default 0,    -- 0 to 1
  bytes integer not null,              -- size of the file; until it is done, what was estimated
  error_code text,                     -- why it failed
  error text,                          -- the same for people
  created_by text not null,            -- user name of who asked for it
  created_at integer not null,         -- when it was asked for
  finished_at integer                  -- when it was done or failed
) strict;
create index exports_by_age on exports (created_at, id);
