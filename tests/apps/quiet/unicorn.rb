# The application's connection is closed before the fork and opened anew in every worker, as its examples show.
require "pg"

listen "127.0.0.1:#{ENV.fetch("PORT")}"
worker_processes 2
preload_app true

before_fork { |_server, _worker| $connection&.close; $connection = nil }
after_fork do |_server, _worker|
  host, port = ENV.fetch("DATABASE").split(":")
  $connection = PG.connect(host: host, port: port, user: "demo", dbname: "postgres")
end
