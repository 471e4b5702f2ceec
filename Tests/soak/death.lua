-- The sudden death of the agent that serves the script, from inside the guest, at the time that Scripts/soak sets; without one,
-- only the work. Nothing of it is left where the agent lives: a fixture must not bring its own death along.
return function(vm, work)
  local delay = os.getenv("PROVIUM_SOAK_AGENT")
  if not delay then return work() end
  local death = vm:background("sleep " .. delay .. "; kill -9 $PPID")
  vm:exec("sleep 1")
  work()
  vm:job_kill(death)
end
