worker_processes 4
preload_app ENV["PRELOAD"] == "1"
listen "127.0.0.1:#{ENV.fetch("PORT")}"
