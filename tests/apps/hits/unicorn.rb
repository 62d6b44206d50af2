listen "127.0.0.1:#{ENV.fetch("PORT")}"
worker_processes 1
preload_app true
after_fork { |_server, _worker| connect if ENV["LATE"] }
