worker_processes 1
listen "127.0.0.1:#{ENV.fetch("PORT")}"
timeout 3
preload_app true
