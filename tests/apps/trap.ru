# A Rack application with a handler of its own for SIGTERM.
trap(:TERM) { exit!(0) }
run ->(_environment) { [200, { "content-type" => "text/plain" }, ["worker #{Process.pid}\n"]] }
