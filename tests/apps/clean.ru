# A Rack application that does nothing at boot.
run ->(_environment) { [200, { "content-type" => "text/plain" }, ["worker #{Process.pid}\n"]] }
