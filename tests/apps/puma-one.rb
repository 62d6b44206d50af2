bind "tcp://127.0.0.1:#{ENV.fetch("PORT")}"
workers 2
threads 1, 1
preload_app!
