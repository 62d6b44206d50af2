# Makes a listening socket, both ends of a connection, a thread and a handler, and forks, on lines that the test knows by their comments.
require "socket"

def serve
  TCPServer.new("127.0.0.1", 0) # listening in serve
end

def connect(port)
  TCPSocket.new("127.0.0.1", port) # connected in connect
end

def receive(server)
  server.accept # accepted in receive
end

def start(queue)
  [1].each { return Thread.new { queue.pop } } # started in start
end

def boot
  fork { sleep 0.01 } # fork in boot
end

server = serve
client = connect(server.addr[1])
accepted = receive(server)
thread = start(Queue.new)
trap("USR2") {} # set in <main>
Process.wait(boot)
thread.kill
client.close
accepted.close
