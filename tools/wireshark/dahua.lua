-- Dahua P2P for Wireshark: signalling text, inverted STUN, PTCP segments and messages. Written from this project's
-- specification; found by content on any UDP port.

local dahua = Proto("dahua_p2p", "Dahua P2P")

local message_names = {
  [0x10] = "data", [0x11] = "bind", [0x12] = "status", [0x13] = "heartbeat", [0x17] = "sign request",
  [0x18] = "sign", [0x19] = "sign present", [0x1a] = "sign accepted", [0x1b] = "sign done",
}
local stun_names = { [0x0001] = "request", [0x0101] = "success", [0x0111] = "error" }

local f = {
  line = ProtoField.string("dahua_p2p.line", "First line"),
  cseq = ProtoField.string("dahua_p2p.cseq", "CSeq"),
  seq = ProtoField.uint32("dahua_p2p.seq", "Sequence"),
  ack = ProtoField.uint32("dahua_p2p.ack", "Acknowledgement"),
  control = ProtoField.uint8("dahua_p2p.control", "Control octet"),
  flags = ProtoField.uint8("dahua_p2p.flags", "Flags", base.HEX),
  window = ProtoField.uint16("dahua_p2p.window", "Window"),
  tsval = ProtoField.uint32("dahua_p2p.tsval", "Timestamp"),
  tsecr = ProtoField.uint32("dahua_p2p.tsecr", "Echo"),
  type = ProtoField.uint8("dahua_p2p.message.type", "Type", base.HEX, message_names),
  length = ProtoField.uint24("dahua_p2p.message.length", "Length"),
  realm = ProtoField.uint32("dahua_p2p.message.realm", "Realm", base.HEX),
  port = ProtoField.uint32("dahua_p2p.message.port", "Port"),
  status = ProtoField.string("dahua_p2p.message.status", "Status"),
  data = ProtoField.bytes("dahua_p2p.message.data", "Data"),
  stun_type = ProtoField.uint16("dahua_p2p.stun.type", "STUN type", base.HEX, stun_names),
  stun_id = ProtoField.bytes("dahua_p2p.stun.id", "Transaction"),
  stun_identify = ProtoField.bytes("dahua_p2p.stun.identify", "Identify"),
  stun_address = ProtoField.string("dahua_p2p.stun.address", "Address"),
}
dahua.fields = f

local function inverted(range)
  local bytes = range:bytes()
  for n = 0, bytes:len() - 1 do bytes:set_index(n, 255 - bytes:get_index(n)) end
  return bytes
end

local function u16(bytes, at) return bytes:get_index(at) * 256 + bytes:get_index(at + 1) end

local function stun(buffer, pinfo, tree)
  local clear = inverted(buffer())
  local kind = u16(clear, 0)
  tree:add(f.stun_type, buffer(0, 2), kind)
  tree:add(f.stun_id, buffer(8, 12), clear:subset(8, 12):raw())
  local stop = math.min(20 + u16(clear, 2), clear:len())
  local at = 20
  while at + 4 <= stop do
    local attribute, length = u16(clear, at), u16(clear, at + 2)
    if at + 4 + length > stop then break end
    if (attribute == 0x8029 or attribute == 0x802a) and length == 8 then
      tree:add(f.stun_identify, buffer(at + 4, 8), clear:subset(at + 4, 8):raw())
    elseif attribute == 0x0004 and length == 8 then
      local parts = {}
      for n = 0, 3 do parts[n + 1] = tostring(clear:get_index(at + 8 + n)) end
      tree:add(f.stun_address, buffer(at + 4, 8), table.concat(parts, ".") .. ":" .. u16(clear, at + 6))
    end
    at = at + 4 + math.ceil(length / 4) * 4
  end
  pinfo.cols.info = "inverted STUN " .. (stun_names[kind] or "?")
end

local body_sizes = { [0x11] = 8, [0x12] = 4, [0x18] = 4, [0x19] = 4, [0x1a] = 4 }

-- Messages that begin in this segment; one that is split over segments is shown up to the segment's end.
local function messages(buffer, tree)
  local said = {}
  local at = 0
  while at < buffer:len() do
    if buffer(at, 1):uint() == 0 then
      at = at + 1
    else
      local name = message_names[buffer(at, 1):uint()]
      if not name or at + 12 > buffer:len() then break end
      local kind, length = buffer(at, 1):uint(), buffer(at + 1, 3):uint()
      local size = kind == 0x10 and length or body_sizes[kind] or 0
      local shown = math.min(size, buffer:len() - at - 12)
      local node = tree:add(dahua, buffer(at, 12 + shown), "Message: " .. name)
      node:add(f.type, buffer(at, 1))
      node:add(f.length, buffer(at + 1, 3))
      node:add(f.realm, buffer(at + 4, 4))
      if kind == 0x11 and shown == 8 then node:add(f.port, buffer(at + 12, 4)) end
      if kind == 0x12 and shown == 4 then node:add(f.status, buffer(at + 12, 4)) end
      if kind == 0x10 and shown > 0 then node:add(f.data, buffer(at + 12, shown)) end
      said[#said + 1] = name
      at = at + 12 + size
    end
  end
  return table.concat(said, ", ")
end

local function ptcp(buffer, pinfo, tree)
  tree:add(f.seq, buffer(4, 4))
  tree:add(f.ack, buffer(8, 4))
  tree:add(f.control, buffer(12, 1))
  tree:add(f.flags, buffer(13, 1))
  tree:add(f.window, buffer(14, 2))
  tree:add(f.tsval, buffer(16, 4))
  tree:add(f.tsecr, buffer(20, 4))
  local what = "ACK"
  if bit.band(buffer(13, 1):uint(), 2) ~= 0 then
    what = "SYN"
  elseif buffer:len() > 24 then
    what = messages(buffer(24):tvb(), tree)
  end
  pinfo.cols.info = "PTCP " .. what .. " seq=" .. buffer(4, 4):uint() .. " ack=" .. buffer(8, 4):uint()
end

local function text(buffer, pinfo, tree)
  local all = buffer():string()
  local line = all:match("^[^\r\n]*") or ""
  tree:add(f.line, buffer(0, #line), line)
  local cseq = all:match("\r\nCSeq:%s*([%-%d]+)")
  if cseq then tree:add(f.cseq, cseq) end
  -- Serial numbers and tokens are keys: only their last four characters are shown in the list.
  local masked = line:gsub("/(%w+)", function(part)
    return #part >= 8 and "/..." .. part:sub(-4) or "/" .. part
  end)
  pinfo.cols.info = masked
end

local function classify(buffer)
  if buffer:len() < 20 then return nil end
  local head = buffer(0, 4):string()
  if head == "PTCP" then return buffer:len() >= 24 and ptcp or nil end
  if head == "DHGE" or head == "DHPO" or head == "NFGE" or head == "NFPO" then return text end
  if head == "HTTP" and buffer():string():find("\r\nCSeq:", 1, true) then return text end
  local a, b = buffer(0, 1):uint(), buffer(1, 1):uint()
  if (a == 0xff or a == 0xfe) and (b == 0xfe or b == 0xee) then
    local length = 65535 - buffer(2, 2):uint()
    if length % 4 == 0 and 20 + length <= buffer:len() then return stun end
  end
  return nil
end

local function dissect_dahua(buffer, pinfo, tree)
  local dissect = classify(buffer)
  if not dissect then return 0 end
  pinfo.cols.protocol = "DAHUA"
  dissect(buffer, pinfo, tree:add(dahua, buffer()))
  return buffer:len()
end

-- A function of its own: called through the protocol, what it does not take would count as taken by the data dissector, and no
-- other heuristic would be asked.
function dahua.dissector(buffer, pinfo, tree) return dissect_dahua(buffer, pinfo, tree) end

dahua:register_heuristic("udp", function(buffer, pinfo, tree) return dissect_dahua(buffer, pinfo, tree) > 0 end)
