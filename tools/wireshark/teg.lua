-- TEG (IWFCam) for Wireshark: search, login, commands, media and acknowledgements. Written from this project's specification;
-- found by content on any UDP port.

local teg = Proto("teg", "TEG (IWFCam)")

local setup_names = {
  [0x0a] = "device closing", [0x0b] = "search", [0x0c] = "search answer", [0x0d] = "login", [0x0e] = "login answer",
  [0x10] = "device closing",
}
local peer_names = { [0] = "path probe", [1] = "command", [2] = "answer", [3] = "media", [4] = "acknowledge" }
local result_names = { [0] = "accepted", [1] = "wrong identity", [2] = "full", [3] = "wrong password" }
local media_names = { [0] = "picture", [1] = "sound", [2] = "talk", [3] = "data" }

local f = {
  signature = ProtoField.string("teg.signature", "Signature"),
  setup = ProtoField.uint16("teg.setup", "Set-up", base.HEX, setup_names),
  peer = ProtoField.uint16("teg.peer", "Packet", base.DEC, peer_names),
  length = ProtoField.uint16("teg.length", "Length"),
  identity = ProtoField.bytes("teg.identity", "Identity"),
  address = ProtoField.ipv4("teg.address", "LAN address"),
  port = ProtoField.uint16("teg.port", "LAN port"),
  credential = ProtoField.bytes("teg.credential", "Credential"),
  result = ProtoField.uint32("teg.result", "Result", base.DEC, result_names),
  count = ProtoField.uint32("teg.count", "Cameras"),
  uid = ProtoField.string("teg.uid", "UID"),
  name = ProtoField.string("teg.name", "Name"),
  session = ProtoField.uint32("teg.session", "Session", base.HEX),
  type = ProtoField.uint32("teg.type", "Command type", base.HEX),
  sub = ProtoField.uint32("teg.sub", "Value", base.HEX),
  kind = ProtoField.uint16("teg.media.kind", "Media", base.DEC, media_names),
  frame = ProtoField.uint16("teg.media.frame", "Frame"),
  fragment = ProtoField.uint16("teg.media.fragment", "Fragment"),
  bytes = ProtoField.uint32("teg.media.bytes", "Payload bytes"),
  total = ProtoField.uint32("teg.media.total", "Picture bytes"),
  fragments = ProtoField.uint32("teg.media.fragments", "Fragments"),
  width = ProtoField.uint16("teg.media.width", "Width"),
  height = ProtoField.uint16("teg.media.height", "Height"),
  time = ProtoField.uint32("teg.media.time", "Device time, ms"),
  data = ProtoField.bytes("teg.data", "Data"),
}
teg.fields = f

local function addresses(buffer, tree, at)
  tree:add(f.identity, buffer(at, 12))
  tree:add(f.port, buffer(at + 18, 2))
  tree:add(f.address, buffer(at + 20, 4))
end

local function setup(buffer, tree, command, size)
  local name = setup_names[command] or "set-up " .. command
  if command == 0x0c and size >= 8 then
    local count = buffer(12, 4):le_uint()
    tree:add_le(f.count, buffer(12, 4))
    for n = 0, math.min(count, 24) - 1 do
      local at = 16 + n * 60
      if at + 60 > buffer:len() then break end
      local item = tree:add(teg, buffer(at, 60), "Camera")
      addresses(buffer, item, at)
      item:add(f.uid, buffer(at + 24, 32), buffer(at + 24, 32):stringz())
    end
    return name .. ", " .. count
  elseif command == 0x0d and size >= 24 then
    addresses(buffer, tree, 8)
    if size >= 40 then tree:add(f.credential, buffer(32, 16)) end
  elseif command == 0x0e and size >= 28 then
    tree:add(f.identity, buffer(8, 12))
    tree:add_le(f.result, buffer(20, 4))
    tree:add_le(f.session, buffer(24, 4))
    if size >= 72 then tree:add(f.name, buffer(48, 32), buffer(48, 32):stringz()) end
    local result = buffer(20, 4):le_uint()
    return name .. ", " .. (result_names[result] or result)
  end
  return name
end

local function media(buffer, tree, size)
  if size < 16 then return "media" end
  local kind, length = buffer(14, 2):le_uint(), buffer(20, 4):le_uint()
  tree:add_le(f.session, buffer(8, 4))
  tree:add_le(f.kind, buffer(14, 2))
  tree:add_le(f.frame, buffer(16, 2))
  if kind == 0 then tree:add_le(f.fragment, buffer(18, 2)) end
  tree:add_le(f.bytes, buffer(20, 4))
  local extra = size - 16 - length
  if kind == 0 and extra == 16 then
    tree:add_le(f.total, buffer(24, 4))
    tree:add_le(f.fragments, buffer(28, 4))
    tree:add_le(f.width, buffer(32, 2))
    tree:add_le(f.height, buffer(34, 2))
    tree:add_le(f.time, buffer(36, 4))
  elseif kind == 1 and extra >= 4 then
    tree:add_le(f.time, buffer(24, 4))
  end
  if length > 0 and extra >= 0 then tree:add(f.data, buffer(24 + extra, length)) end
  local name = (media_names[kind] or "media " .. kind) .. " " .. buffer(16, 2):le_uint()
  return kind == 0 and name .. " fragment " .. buffer(18, 2):le_uint() or name
end

local function peer(buffer, tree, command, size)
  if command == 3 then return media(buffer, tree, size) end
  local name = peer_names[command] or "packet " .. command
  if command == 1 or command == 2 then
    if size < 12 then return name end
    tree:add_le(f.session, buffer(8, 4))
    tree:add_le(f.type, buffer(12, 4))
    tree:add_le(f.sub, buffer(16, 4))
    return name .. string.format(" 0x%02x", buffer(12, 4):le_uint())
  end
  if command == 4 and size >= 8 then
    local count = math.min(buffer(15, 1):uint(), math.floor((size - 8) / 8))
    tree:add_le(f.session, buffer(8, 4))
    for n = 0, count - 1 do
      local at = 16 + n * 8
      local item = tree:add(teg, buffer(at, 8), bit.band(buffer(at, 1):uint(), 1) == 1 and "Taken" or "Missing")
      item:add_le(f.frame, buffer(at + 4, 2))
      item:add_le(f.fragment, buffer(at + 6, 2))
    end
    return name .. ", " .. count
  end
  if size > 0 then tree:add(f.data, buffer(8, size)) end
  return name
end

local function dissect_teg(buffer, pinfo, tree)
  if buffer:len() < 8 then return 0 end
  local signature = buffer(0, 4):string()
  if signature ~= "1TEG" and signature ~= "2TEG" then return 0 end
  local command, size = buffer(4, 2):le_uint(), buffer(6, 2):le_uint()
  if 8 + size > buffer:len() then return 0 end
  pinfo.cols.protocol = "TEG"
  local node = tree:add(teg, buffer())
  node:add(f.signature, buffer(0, 4))
  node:add_le(signature == "1TEG" and f.setup or f.peer, buffer(4, 2))
  node:add_le(f.length, buffer(6, 2))
  local dissect = signature == "1TEG" and setup or peer
  pinfo.cols.info = dissect(buffer, node, command, size)
  return buffer:len()
end

-- A function of its own: called through the protocol, what it does not take would count as taken by the data dissector, and no
-- other heuristic would be asked.
function teg.dissector(buffer, pinfo, tree) return dissect_teg(buffer, pinfo, tree) end

teg:register_heuristic("udp", function(buffer, pinfo, tree) return dissect_teg(buffer, pinfo, tree) > 0 end)
