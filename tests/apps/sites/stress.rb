# Threads that connect without pause, with and without the GVL, while memory is compacted and children are forked.
require "socket"

server = TCPServer.new("127.0.0.1", 0)
port = server.addr[1]
going = true
Thread.new { loop { server.accept.close } }
connecting = 8.times.map do
  Thread.new do
    make = lambda { TCPSocket.new("127.0.0.1", port) } # connected in <main>
    make.call.close while going
  end
end
until (pid = fork { exit! }).nil?
  Process.wait(pid)
  GC.compact
  break if (rounds = (rounds || 0) + 1) == 60
end
going = false
connecting.each(&:join)
