# The same for Unicorn: every worker loses the thread.
Thread.new { sleep }.name = "refresh-prices"
run ->(_) { [200, { "Content-Type" => "text/plain" }, ["served\n"]] }
