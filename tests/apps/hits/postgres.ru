# Unicorn evaluates this file with its lines counted from two: what the report must name is in one of its own.
require_relative "postgres"
run ->(_environment) { ask; [200, { "content-type" => "text/plain" }, ["worker #{Process.pid}\n"]] }
