# A leader whose objects are made old before its first fork, and not by programs that it executes; a finalizer runs once.
data = (0...50_000).map { |number| "string #{number}" }
GC.disable if ARGV.include?("disabled")
if ARGV.include?("warmup")
  # As Ruby 3.3 has it.
  def Process.warmup
    GC.start
    puts "warmup"
    true
  end
end
ObjectSpace.define_finalizer(Object.new, proc { puts "finalized"; $stdout.flush })
GC.stress = false
before = GC.count
system("true")
`true`
puts "runs before the first fork: #{GC.count - before}"
$stdout.flush
2.times do
  child = fork do
    puts "worker: #{GC.count - before}, #{data.size}"
    $stdout.flush
    sleep 0.05
    exit!(0)
  end
  Process.wait(child)
end
trap("USR1") { raise "raised" }
begin
  Process.kill("USR1", $$)
  sleep 1
rescue RuntimeError => error
  puts error.message
end
$stdout.flush
exit!(0)
