# A thread looks a service up by its name, as the worker does: a lock of the C library's. Right: the worker uses the address that the leader found.
require "socket"

found = Queue.new
watcher = Thread.new do
  loop do
    found << Addrinfo.getaddrinfo("localhost", 80) # thread
    sleep 0.2
  end
end
watcher.name = "watch-service"
address = found.pop
worker = fork do
  address = Addrinfo.getaddrinfo("localhost", 80) if ARGV.empty? # worker
  sleep
end
Process.wait(worker)
