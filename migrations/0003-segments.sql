-- The index of recordings. Files are the truth; these rows can be built again from them (design/recordings.md).
create table segments (
  id text primary key,             -- 'seg_...'
  camera_id text,                  -- the camera that recorded it; the camera may be gone; null: unknown
  folder text not null,            -- folder under recordings/
  path text not null unique,       -- folder/YYYY-MM-DD/HH-MM-SSZ.mp4, relative to recordings/, '/' between
  start_at integer not null,       -- first frame
  end_at integer not null check (end_at > start_at), -- the next frame, or the last one plus the median interval
  frames integer not null,         -- pictures in the file
  bytes integer not null,          -- size of the file
  format text not null check (format in ('mp4', 'mjpeg')), -- container: mp4, or JPEGs in Matroska
  codec text not null check (codec in ('mjpeg', 'h264', 'h265')), -- of the pictures
  end_reason text not null,        -- why it ended: boundary, offline, stopped, shutdown, clockStep, formatChange, recorderFailed, crash, adopted
  has_motion integer not null default 0 check (has_motion in (0, 1)), -- 1: something moved in it
  protected integer not null default 0 check (protected in (0, 1)), -- 1: retention leaves it alone
  doomed_at integer                -- being deleted since then; not listed any more
) strict;

-- One camera by time; answers timelines and lists of spans without the table. Doomed rows are not in it.
create index segments_by_time on segments (camera_id, start_at, end_at, end_reason, has_motion, bytes, id, doomed_at)
  where doomed_at is null;
-- Oldest first, over all cameras or one folder: what retention takes next.
create index segments_by_age on segments (start_at, bytes, id) where doomed_at is null and protected = 0;
create index segments_by_folder on segments (folder, start_at) where doomed_at is null;
-- The longest segment bounds how far back a query for a moment must look.
create index segments_by_length on segments (end_at - start_at);
create index segments_doomed on segments (doomed_at) where doomed_at is not null;

-- Sums per folder and UTC day, kept by the triggers below; storage pages and calendars read only this.
create table segment_days (
  folder text not null,            -- folder under recordings/
  day integer not null,            -- days since the epoch of start_at
  segments integer not null,       -- how many are listed
  bytes integer not null,          -- their sizes
  recorded_ms integer not null,    -- their lengths
  primary key (folder, day)
) strict, without rowid;

create trigger segments_added after insert on segments when new.doomed_at is null begin
  insert into segment_days (folder, day, segments, bytes, recorded_ms)
    values (new.folder, new.start_at / 86400000, 1, new.bytes, new.end_at - new.start_at)
    on conflict (folder, day) do update set segments = segments + 1, bytes = bytes + excluded.bytes,
      recorded_ms = recorded_ms + excluded.recorded_ms;
end;

create trigger segments_doomed_now after update of doomed_at on segments
  when old.doomed_at is null and new.doomed_at is not null begin
  update segment_days set segments = segments - 1, bytes = bytes - old.bytes,
    recorded_ms = recorded_ms - (old.end_at - old.start_at)
    where folder = old.folder and day = old.start_at / 86400000;
  delete from segment_days where folder = old.folder and day = old.start_at / 86400000 and segments <= 0;
end;

create trigger segments_removed after delete on segments when old.doomed_at is null begin
  update segment_days set segments = segments - 1, bytes = bytes - old.bytes,
    recorded_ms = recorded_ms - (old.end_at - old.start_at)
    where folder = old.folder and day = old.start_at / 86400000;
  delete from segment_days where folder = old.folder and day = old.start_at / 86400000 and segments <= 0;
end;

create trigger segments_resized after update of bytes on segments when new.doomed_at is null begin
  update segment_days set bytes = bytes + new.bytes - old.bytes
    where folder = new.folder and day = new.start_at / 86400000;
end;

-- Manual recording orders survive a restart.
create table recording_orders (
  camera_id text primary key references cameras (id) on delete cascade, -- whose order it is
  action text not null check (action in ('start', 'stop'))              -- 'auto' has no row
) strict;
