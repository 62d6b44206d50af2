# A Rack application whose forks inherit what guards deal with; `/held` is answered when the test's gate lets go, and
# what has a query is noted when it begins.
require "socket"

lock = Mutex.new
locked = Queue.new
Thread.new do
  Thread.current.name = "holder"
  lock.synchronize { locked.push(true); sleep }
end
locked.pop
$upstream = TCPSocket.new("127.0.0.1", ENV.fetch("UPSTREAM"))
begun = File.open(ENV.fetch("BEGUN"), "a").tap { |file| file.sync = true }

run(lambda do |environment|
  body = "worker #{Process.pid}\n"
  begun.write(environment["QUERY_STRING"] + "\n") unless environment["QUERY_STRING"].empty?
  if environment["PATH_INFO"] == "/held"
    TCPSocket.open("127.0.0.1", ENV.fetch("GATE")) { |gate| gate.write(body); gate.read(1) }
  end
  [200, { "content-type" => "text/plain", "Content-Length" => body.bytesize.to_s }, [body]]
end)
