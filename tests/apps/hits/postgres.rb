# Asks PostgreSQL in each request, or (IDLE) never.
require "pg"

def connect
  $connection = PG.connect(ENV.fetch("DATABASE_URL")) # opened
end

def ask
  $connection.exec("select 1") unless ENV["IDLE"] # used
end

connect unless ENV["LATE"]
