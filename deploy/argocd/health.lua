-- Health of every kind of Freehold, for Argo CD: what is to be made of .status.conditions. docs/gitops.md says what each word means.
--
-- Argo CD gives a script no string, math or os, and refuses every sync of an Application while the script fails on one of
-- its objects: nothing here may take for granted that a field is there, or of the right type.
-- An object that is being deleted never comes here: Argo CD calls it Progressing by itself.

-- What is no reason to wait, but belongs beside a green heart.
local notes = { Synced = "False", MeteringHealthy = "False", Expiring = "True", BudgetExhausted = "True" }

local function field(value, name)
  if type(value) == "table" then
    return value[name]
  end
end

local function text(value)
  if type(value) == "string" then
    return value
  end
  return ""
end

local function health(status, condition)
  local reason, message = text(field(condition, "reason")), text(field(condition, "message"))
  if reason ~= "" and message ~= "" then
    reason = reason .. ": "
  end
  return { status = status, message = reason .. message }
end

local status = field(obj, "status")
local observed = field(status, "observedGeneration")

-- Without this the next sync wave would begin on what was said of the former spec. A resource is born with -1.
if observed == nil or observed ~= field(field(obj, "metadata"), "generation") then
  return { status = "Progressing", message = "Waiting for the operator to look at it" }
end

local ready, paused, motion
local noted = ""
local conditions = field(status, "conditions")
if type(conditions) == "table" then
  for _, condition in ipairs(conditions) do
    local kind, is = text(field(condition, "type")), field(condition, "status")
    if kind == "Ready" then
      ready = condition
    elseif kind == "Paused" and is == "True" then
      paused = condition
    elseif (kind == "Reconciling" or kind == "Stalled") and is == "True" then
      -- The first one counts, as for kstatus. There is never more than one.
      motion = motion or condition
    elseif notes[kind] ~= nil and notes[kind] == is then
      noted = noted .. "; " .. text(field(condition, "message"))
    end
  end
end

-- Degraded fails the whole sync at once, so only what a person must mend is Degraded.
if field(motion, "type") == "Stalled" then
  return health("Degraded", motion)
end
if paused ~= nil then
  return health("Suspended", paused)
end
-- A paused tenant has no such condition: it says so in Ready.
if motion ~= nil and field(motion, "reason") == "Paused" then
  return health("Suspended", motion)
end
if motion == nil and field(ready, "status") == "True" then
  local well = health("Healthy", ready)
  well.message = well.message .. noted
  return well
end
if ready ~= nil or motion ~= nil then
  return health("Progressing", motion or ready)
end
return { status = "Progressing", message = "Waiting for the operator to say how it is" }
