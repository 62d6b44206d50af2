listen "127.0.0.1:#{ENV.fetch("PORT")}"
pid "pid"
worker_processes 2
preload_app true
