# A block that the interpreter runs at its end, in a child, too: it ends the leader's helper there where an argument says so.
LEADER = Process.pid
def start
  fork { sleep }  # created in start
end
HELPER = start
at_exit { Process.kill(:TERM, HELPER) if Process.pid == LEADER || ARGV.include?("ends") }  # removed in at_exit block
Process.wait(fork { exit })
