# Children by fork, popen, spawn and backticks, with a second thread alive.
$stdout.sync = true
Thread.new { sleep }
20.times do |number|
  Process.wait(fork { exit! number })
  puts "child ended with #{$?.exitstatus}"
end
IO.popen("-") { |pipe| pipe ? puts(pipe.read) : puts("from the child") }
puts `echo backticks`
Process.wait(spawn("exit 3"))
puts $?.exitstatus
exit 6
