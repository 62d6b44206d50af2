preload_app true
worker_processes 1
listen "/tmp/unicorn"
