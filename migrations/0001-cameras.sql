-- The registry of cameras. All times in this database are UTC milliseconds since the epoch, as integers.
create table cameras (
  id text primary key,             -- 'cam_...'; contains an underscore, so it is never a valid slug
  slug text not null unique,       -- [a-z0-9-]+; the name in URLs
  folder text not null,            -- folder under recordings/: the first slug, never changed
  name text not null,              -- shown to people; any text, bounded
  driver text not null,            -- driver id: iwfcam, rtsp, ...
  settings text not null check (json_valid(settings)),     -- JSON by the driver's schema; secrets as {"$secret": "..."} (AES-256-GCM)
  enabled integer not null check (enabled in (0, 1)),      -- 0: no connection is made
  recording text not null check (json_valid(recording)),   -- JSON: RecordingSettings, defaults filled in
  sub_source text check (sub_source is null or json_valid(sub_source)), -- JSON {driver, settings}, or null
  position integer not null,       -- order in lists
  created_at integer not null      -- when it was added
) strict;

-- What drivers keep per camera across sessions and restarts: local UDP port, last session, ...
create table camera_memory (
  camera_id text primary key references cameras (id) on delete cascade, -- whose memory it is
  value text not null check (json_valid(value)),  -- JSON of the driver's own making
  updated_at integer not null                     -- when it was last written
) strict;

-- Folder names that were ever given to a camera: a deleted camera's recordings keep theirs.
create table camera_folders (
  folder text primary key,         -- a first slug
  camera_id text not null,         -- the camera that had it; the camera may be gone
  name text not null               -- the camera's last name, for showing orphaned recordings
) strict;
