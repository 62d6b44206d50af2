# A Redis-like client connected at boot, closed before the fork and connected anew in every worker; a thread in each worker.
require "pg"

bind "tcp://127.0.0.1:#{ENV.fetch("PORT")}"
workers 2
threads 1, 2
preload_app!

connect = -> { PG.connect(host: ENV.fetch("DATABASE").split(":")[0], port: ENV.fetch("DATABASE").split(":")[1], user: "demo", dbname: "postgres") }
connection = connect.call

before_fork { connection&.close; connection = nil }
on_worker_boot do
  $connection, $lock = connect.call, Mutex.new
  Thread.new { loop { sleep 0.1 } }.name = "heartbeat"
end

app do |_environment|
  pid = $lock.synchronize { $connection.exec("select #{Process.pid}").getvalue(0, 0) }
  [200, { "content-type" => "text/plain" }, ["worker #{pid}\n"]]
end
