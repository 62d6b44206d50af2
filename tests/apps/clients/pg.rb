# URL: as clients.py, with ruby-pg; after an error the connection is reset.
require "pg"

$stdout.sync = true
$connection = PG.connect(ARGV[0])

def ask(number)
  $connection.exec_params("select $1::int, pg_backend_pid()", [number]).values[0]
end

def attempt(number)
  answer, session = ask(number)
  "#{answer} in #{session == $first ? "the same" : "another"} session"
rescue PG::Error => error
  $connection.reset
  error.class.name
end

_, $first = ask(1)
2.times do
  child = fork { [2, 3].each { |number| puts "child: #{attempt(number)}" } }
  Process.wait(child)
  abort("a child failed") unless $?.success?
end
puts "leader: #{attempt(4)}"
