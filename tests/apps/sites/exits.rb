# The leader's exit handlers in a child; one removes the leader's file there where an argument says so.
LEADER = Process.pid
PATH = "exits-rb.#{LEADER}"
File.write(PATH, "")
def remove_file
  File.delete(PATH) if Process.pid == LEADER || ARGV.include?("removes")  # use in remove_file
end
at_exit { remove_file if File.exist?(PATH) }  # removed in at_exit block
at_exit { }  # other in at_exit block
sleep 0.1
if (child = fork).nil?
  exit 0
end
Process.wait(child)
# A child that removes the file at its work, and ends without its handlers.
File.write("own", "")
sleep 0.1
Process.wait(fork { File.delete("own"); exit!(0) })
