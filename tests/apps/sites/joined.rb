# A thread that has ended before the fork: MRI keeps its native thread for the next one, asleep.
Thread.new { 1 }.join
others = Dir.children("/proc/self/task") - [Process.pid.to_s]
Thread.pass until others.all? { |task| File.read("/proc/self/task/#{task}/syscall").start_with?("202 ") }
Process.wait(fork { sleep 0.01 })
