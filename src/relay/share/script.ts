/**
 * What the engine does for a relay that reports: the only place where shares are given. In Lua, since only there it is one
 * step for all relays; by the engine's clock, since theirs are apart.
 *
 * Shares are max-min fair by want and weight: nobody has more than it wants while another wants more, and what nobody wants
 * is divided by weight. A share grows only by what the others have already let go: all shares together are never above the
 * limit, and a change is through after two reports of everybody.
 */

/** So often each relay reports, in ms. */
export const REPORT_MS = 100;
/** So long after its last answered report a relay keeps its share, in ms. */
export const KEEP_MS = 700;
/** A relay is taken for silent after this, in ms: later than it lets go of its share. */
const GONE_MS = 750;
/** After a relay came that this engine does not know but which has a share (a restart, a fail-over) nobody's grows, in ms: others may follow. */
const SETTLE_MS = 600;
/** So much of the limit is for those who want nothing at the moment, all together: something to begin with. */
const IDLE_PART = 0.01;
/** Nobody waits for the others with less than this part of what is due to it: so much all together may be above the limit for a report. */
const LEAST_PART = 0.001;
/** The key goes so long after the last report, in ms. */
const FORGET_MS = 600_000;

/**
 * KEYS: the hash of this limit. ARGV: this relay's id, its weight, and for `up` and `down` each: want, limit (0: none), what it
 * holds at this moment (0 at the start); bytes per second. Returns how many relays there are, the sum of their weights, and for
 * `up` and `down` each: this relay's share, and the limit, the lowest that any relay has; 0 where this relay has no limit.
 *
 * A relay that is silent but still connected (it listens on a channel of its id) is cut off, not dead: it goes on with its part
 * by weight, which is kept free for it.
 */
export const REPORT = `
local key, me = KEYS[1], ARGV[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local DIRECTIONS = 2

local function listens(id)
  local found = redis.pcall('PUBSUB', 'NUMSUB', key .. ':' .. id)
  return found.err == nil and tonumber(found[2]) > 0
end

local function read(text)
  local numbers = {}
  for word in string.gmatch(text, '%S+') do numbers[#numbers + 1] = tonumber(word) end
  local relay = { at = numbers[1], weight = numbers[2], want = {}, limit = {}, grant = {} }
  for d = 1, DIRECTIONS do
    relay.want[d], relay.limit[d], relay.grant[d] = numbers[3 * d], numbers[3 * d + 1], numbers[3 * d + 2]
  end
  return relay
end

local self = { weight = tonumber(ARGV[2]), want = {}, limit = {}, grant = {}, holds = {} }
for d = 1, DIRECTIONS do
  self.want[d], self.limit[d], self.holds[d] = tonumber(ARGV[3 * d]), tonumber(ARGV[3 * d + 1]), tonumber(ARGV[3 * d + 2])
end

local settles, before = 0, nil
local relays, weights = { self }, self.weight
local all = redis.call('HGETALL', key)
for i = 1, #all, 2 do
  local id, text = all[i], all[i + 1]
  if id == 'settles' then
    settles = tonumber(text)
  else
    local relay = read(text)
    local age = now - relay.at
    local live = age >= -${GONE_MS} and age <= ${GONE_MS}
    if id == me then
      if live then before = relay end
    elseif live or listens(id) then
      relay.silent = not live
      relays[#relays + 1] = relay
      weights = weights + relay.weight
    else
      redis.call('HDEL', key, id)
    end
  end
end
if before == nil and self.holds[1] + self.holds[2] > 0 then
  settles = now + ${SETTLE_MS}
  redis.call('HSET', key, 'settles', settles)
end
local settling = now < settles and settles <= now + ${SETTLE_MS}

local function share(d)
  local limit = self.limit[d]
  if limit == 0 then return 0, 0 end
  local those, total = {}, 0
  for _, relay in ipairs(relays) do
    if relay.limit[d] > 0 then
      limit = math.min(limit, relay.limit[d])
      those[#those + 1] = relay
      total = total + relay.weight
    end
  end
  local left, left_weight, given, wanting = limit, total, 0, {}
  for _, relay in ipairs(those) do
    if relay.silent then
      local part = limit * relay.weight / total
      left, left_weight, given = left - part, left_weight - relay.weight, given + part
    else
      wanting[#wanting + 1] = relay
      relay.wants = math.max(relay.want[d], limit * ${IDLE_PART} / #those)
      if relay ~= self then given = given + relay.grant[d] end
    end
  end
  local of_wanting = left_weight
  table.sort(wanting, function(a, b) return a.wants * b.weight < b.wants * a.weight end)
  local due
  for _, relay in ipairs(wanting) do
    local part = math.min(relay.wants, left * relay.weight / left_weight)
    left, left_weight = left - part, left_weight - relay.weight
    if relay == self then due = part end
  end
  due = due + math.max(0, left) * self.weight / of_wanting
  local grant = math.min(due, limit - given)
  if settling then grant = math.min(grant, before and before.grant[d] or self.holds[d]) end
  return math.max(1, math.floor(math.max(grant, due * ${LEAST_PART}))), limit
end

local answer, entry = { #relays, weights }, { now, self.weight }
for d = 1, DIRECTIONS do
  local grant, limit = share(d)
  answer[#answer + 1], answer[#answer + 2] = grant, limit
  entry[#entry + 1], entry[#entry + 2], entry[#entry + 3] = self.want[d], self.limit[d], grant
end
for i = 1, #entry do entry[i] = string.format('%.0f', entry[i]) end
redis.call('HSET', key, me, table.concat(entry, ' '))
redis.call('PEXPIRE', key, ${FORGET_MS})
return answer
`;
