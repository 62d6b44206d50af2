# One query a request, on the connection of unicorn.rb.
host, port = ENV.fetch("DATABASE").split(":")
$connection = PG.connect(host: host, port: port, user: "demo", dbname: "postgres")
run ->(_environment) { [200, { "content-type" => "text/plain" }, ["worker #{$connection.exec("select #{Process.pid}").getvalue(0, 0)}\n"]] }
