workers 4
threads 1, 1
preload_app! if ENV["PRELOAD"] == "1"
