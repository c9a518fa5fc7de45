-- Recordings of one camera never overlap. When the host's clock was set back, what is recorded now takes the time; what an
-- earlier clock had put there is clipped, or displaced: still a row and a file, but on no timeline.

alter table segments add column displaced_at integer; -- another recording took its place on the timeline then; null: it has it

drop trigger segments_added;
drop trigger segments_doomed_now;
drop trigger segments_removed;
drop trigger segments_run_added;
drop trigger segments_run_doomed;
drop index segments_by_time;

-- One camera by time; answers timelines and lists of spans without the table. Neither doomed nor displaced rows are in it.
create index segments_by_time on segments (camera_id, start_at, end_at, end_reason, has_motion, bytes, id, doomed_at,
  displaced_at) where doomed_at is null and displaced_at is null;
-- What has no place on a timeline: few rows or none.
create index segments_displaced on segments (camera_id, start_at, end_at, id)
  where displaced_at is not null and doomed_at is null;

-- What older versions left: the row that was added later keeps its time.
create temp table overlapping (
  row integer,                     -- rowid of one that begins before another one's end
  camera_id text,                  -- its camera
  start_at integer                 -- its begin
);
insert into overlapping
  select row, camera_id, start_at from (
    select rowid as row, camera_id, start_at, max(end_at) over (partition by camera_id order by start_at, rowid
      rows between unbounded preceding and 1 preceding) as reached
    from segments where doomed_at is null and camera_id is not null)
  where start_at < reached;
update segments set displaced_at = end_at where rowid in (
  select min(o.row, s.rowid) from overlapping o join segments s on s.camera_id = o.camera_id and s.doomed_at is null
    and s.start_at <= o.start_at and s.end_at > o.start_at and s.rowid <> o.row
  where s.rowid > o.row or s.start_at = o.start_at);
update segments set end_at = (select min(n.start_at) from segments n where n.camera_id = segments.camera_id
    and n.doomed_at is null and n.displaced_at is null and n.start_at > segments.start_at),
  end_reason = 'clockStep'
  where camera_id in (select camera_id from overlapping) and doomed_at is null and displaced_at is null
    and end_at > (select min(n.start_at) from segments n where n.camera_id = segments.camera_id
      and n.doomed_at is null and n.displaced_at is null and n.start_at > segments.start_at);
delete from recorded_runs where camera_id in (select camera_id from overlapping);
insert into recorded_runs (camera_id, start_at, end_at)
  select camera_id, min(start_at), max(end_at) from (
    select camera_id, start_at, end_at, sum(fresh) over (partition by camera_id order by start_at, end_at) as run from (
      select camera_id, start_at, end_at, coalesce(start_at - max(end_at) over (partition by camera_id
        order by start_at, end_at rows between unbounded preceding and 1 preceding) >= 1000, 1) as fresh
      from segments where doomed_at is null and displaced_at is null
        and camera_id in (select camera_id from overlapping)))
  group by camera_id, run;
delete from segment_days where exists (select 1 from overlapping);
insert into segment_days (folder, day, segments, bytes, recorded_ms)
  select folder, start_at / 86400000, count(*), sum(bytes), sum(iif(displaced_at is null, end_at - start_at, 0))
  from segments where doomed_at is null and exists (select 1 from overlapping) group by 1, 2;
drop table overlapping;

-- The row that begins last before the new one's end is the only one that can reach into it.
create trigger segments_never_overlap before insert on segments
  when new.doomed_at is null and new.displaced_at is null and new.camera_id is not null
    and (select end_at from segments where camera_id = new.camera_id and doomed_at is null and displaced_at is null
      and start_at < new.end_at order by start_at desc limit 1) > new.start_at begin
  select raise(abort, 'recordings of a camera must not overlap');
end;

create trigger segments_never_overlap_again before update of displaced_at on segments
  when old.displaced_at is not null and new.displaced_at is null and new.doomed_at is null and new.camera_id is not null
    and (select end_at from segments where camera_id = new.camera_id and doomed_at is null and displaced_at is null
      and start_at < new.end_at order by start_at desc limit 1) > new.start_at begin
  select raise(abort, 'recordings of a camera must not overlap');
end;

-- Sums and runs are kept for what is displaced and placed again; a row's times change only in between.
create trigger segments_times_stay before update of start_at, end_at, camera_id, folder on segments
  when old.displaced_at is null and old.doomed_at is null begin
  select raise(abort, 'the times of a recording that is listed do not change');
end;

-- Files and bytes of displaced rows count in the sums (they take space), their time does not.
create trigger segments_added after insert on segments when new.doomed_at is null begin
  insert into segment_days (folder, day, segments, bytes, recorded_ms)
    values (new.folder, new.start_at / 86400000, 1, new.bytes,
      iif(new.displaced_at is null, new.end_at - new.start_at, 0))
    on conflict (folder, day) do update set segments = segments + 1, bytes = bytes + excluded.bytes,
      recorded_ms = recorded_ms + excluded.recorded_ms;
end;

create trigger segments_doomed_now after update of doomed_at on segments
  when old.doomed_at is null and new.doomed_at is not null begin
  update segment_days set segments = segments - 1, bytes = bytes - old.bytes,
    recorded_ms = recorded_ms - iif(old.displaced_at is null, old.end_at - old.start_at, 0)
    where folder = old.folder and day = old.start_at / 86400000;
  delete from segment_days where folder = old.folder and day = old.start_at / 86400000 and segments <= 0;
end;

create trigger segments_removed after delete on segments when old.doomed_at is null begin
  update segment_days set segments = segments - 1, bytes = bytes - old.bytes,
    recorded_ms = recorded_ms - iif(old.displaced_at is null, old.end_at - old.start_at, 0)
    where folder = old.folder and day = old.start_at / 86400000;
  delete from segment_days where folder = old.folder and day = old.start_at / 86400000 and segments <= 0;
end;

create trigger segments_displaced_now after update of displaced_at on segments
  when old.displaced_at is null and new.displaced_at is not null and old.doomed_at is null begin
  update segment_days set recorded_ms = recorded_ms - (old.end_at - old.start_at)
    where folder = old.folder and day = old.start_at / 86400000;
end;

create trigger segments_placed_again after update of displaced_at on segments
  when old.displaced_at is not null and new.displaced_at is null and new.doomed_at is null begin
  update segment_days set recorded_ms = recorded_ms + (new.end_at - new.start_at)
    where folder = new.folder and day = new.start_at / 86400000;
end;

create trigger segments_run_added after insert on segments
  when new.doomed_at is null and new.displaced_at is null and new.camera_id is not null begin
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

create trigger segments_run_placed after update of displaced_at on segments
  when old.displaced_at is not null and new.displaced_at is null and new.doomed_at is null
    and new.camera_id is not null begin
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

-- With the run's last segment before the one that goes (P) and its first one after it (N): what follows becomes a run of
-- its own, the run ends with P, and goes when there is no P. Nothing happens when P and N still join.
create trigger segments_run_doomed after update of doomed_at on segments
  when old.doomed_at is null and new.doomed_at is not null and old.displaced_at is null
    and old.camera_id is not null begin
  insert into recorded_runs (camera_id, start_at, end_at)
    select r.camera_id, n.start_at, r.end_at
    from (select * from recorded_runs where camera_id = old.camera_id and start_at <= old.start_at
        order by start_at desc limit 1) as r
      join (select start_at from segments where camera_id = old.camera_id and doomed_at is null and displaced_at is null
        and start_at >= old.start_at order by start_at limit 1) as n
      left join (select start_at, end_at from segments where camera_id = old.camera_id and doomed_at is null and displaced_at is null
        and start_at <= old.start_at order by start_at desc limit 1) as p on p.start_at >= r.start_at
    where n.start_at < r.end_at and (p.end_at is null or n.start_at - p.end_at >= 1000)
    on conflict (camera_id, start_at) do nothing;
  update recorded_runs set end_at = (select end_at from segments where camera_id = old.camera_id and doomed_at is null and displaced_at is null
      and start_at <= old.start_at order by start_at desc limit 1)
    where camera_id = old.camera_id
      and start_at = (select max(start_at) from recorded_runs
        where camera_id = old.camera_id and start_at <= old.start_at)
      and exists (select 1 from (select start_at, end_at from segments where camera_id = old.camera_id
          and doomed_at is null and displaced_at is null and start_at <= old.start_at order by start_at desc limit 1) as p
        left join (select start_at from segments where camera_id = old.camera_id and doomed_at is null and displaced_at is null
          and start_at >= old.start_at order by start_at limit 1) as n on n.start_at < recorded_runs.end_at
        where p.start_at >= recorded_runs.start_at and p.end_at > recorded_runs.start_at
          and (n.start_at is null or n.start_at - p.end_at >= 1000));
  delete from recorded_runs where camera_id = old.camera_id
    and start_at = (select max(start_at) from recorded_runs
      where camera_id = old.camera_id and start_at <= old.start_at)
    and not exists (select 1 from segments where camera_id = old.camera_id and doomed_at is null and displaced_at is null
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

create trigger segments_run_displaced after update of displaced_at on segments
  when old.displaced_at is null and new.displaced_at is not null and old.doomed_at is null
    and old.camera_id is not null begin
  insert into recorded_runs (camera_id, start_at, end_at)
    select r.camera_id, n.start_at, r.end_at
    from (select * from recorded_runs where camera_id = old.camera_id and start_at <= old.start_at
        order by start_at desc limit 1) as r
      join (select start_at from segments where camera_id = old.camera_id and doomed_at is null and displaced_at is null
        and start_at >= old.start_at order by start_at limit 1) as n
      left join (select start_at, end_at from segments where camera_id = old.camera_id and doomed_at is null and displaced_at is null
        and start_at <= old.start_at order by start_at desc limit 1) as p on p.start_at >= r.start_at
    where n.start_at < r.end_at and (p.end_at is null or n.start_at - p.end_at >= 1000)
    on conflict (camera_id, start_at) do nothing;
  update recorded_runs set end_at = (select end_at from segments where camera_id = old.camera_id and doomed_at is null and displaced_at is null
      and start_at <= old.start_at order by start_at desc limit 1)
    where camera_id = old.camera_id
      and start_at = (select max(start_at) from recorded_runs
        where camera_id = old.camera_id and start_at <= old.start_at)
      and exists (select 1 from (select start_at, end_at from segments where camera_id = old.camera_id
          and doomed_at is null and displaced_at is null and start_at <= old.start_at order by start_at desc limit 1) as p
        left join (select start_at from segments where camera_id = old.camera_id and doomed_at is null and displaced_at is null
          and start_at >= old.start_at order by start_at limit 1) as n on n.start_at < recorded_runs.end_at
        where p.start_at >= recorded_runs.start_at and p.end_at > recorded_runs.start_at
          and (n.start_at is null or n.start_at - p.end_at >= 1000));
  delete from recorded_runs where camera_id = old.camera_id
    and start_at = (select max(start_at) from recorded_runs
      where camera_id = old.camera_id and start_at <= old.start_at)
    and not exists (select 1 from segments where camera_id = old.camera_id and doomed_at is null and displaced_at is null
      and start_at <= old.start_at and start_at >= recorded_runs.start_at);
end;
