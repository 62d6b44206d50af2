# The same for Unicorn: every worker loses the thread.
Thread.new { sleep }.name = "refresh-prices"
run ->(_) { [200, { "content-type" => "text/plain" }, ["served\n"]] }
