# A Rack application with a thread that always holds a lock.
lock = Mutex.new
locked = Queue.new
Thread.new do
  Thread.current.name = "holder"
  lock.synchronize { locked.push(true); sleep }
end
locked.pop
run ->(_environment) { [200, { "content-type" => "text/plain" }, ["worker #{Process.pid}\n"]] }
