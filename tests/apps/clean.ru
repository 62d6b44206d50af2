# A Rack application that does nothing at boot.
run ->(_environment) { [200, { "Content-Type" => "text/plain" }, ["worker #{Process.pid}\n"]] }
