# A thread that has ended before the fork: MRI keeps its native thread for the next one, asleep; since 3.3 it ends, and the timer's waits in epoll_wait.
Thread.new { 1 }.join
def waits?(task)
  File.read("/proc/self/task/#{task}/syscall").start_with?("202 ", "232 ")
rescue SystemCallError
  true
end
Thread.pass until (Dir.children("/proc/self/task") - [Process.pid.to_s]).all? { |task| waits?(task) }
Process.wait(fork { sleep 0.01 })
