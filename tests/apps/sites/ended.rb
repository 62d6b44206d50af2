# Signals come to native threads that MRI keeps after their Ruby threads have ended and been collected.
TGKILL = 234
trap("USR1") {}
20.times do
  ended = 20.times.map { Thread.new { Thread.current.native_thread_id } }.map(&:value)
  GC.start
  Array.new(3000) { |size| "text" * (3 + size % 60) }
  ended.each do |thread|
    syscall(TGKILL, Process.pid, thread, Signal.list["USR1"])
  rescue Errno::ESRCH
    # It has ended, too.
  end
end
puts "ok"
