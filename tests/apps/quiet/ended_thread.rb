# A thread that has ended before the fork; MRI keeps its native thread for the next one. The child lives long enough to settle.
Thread.new { 1 }.join
Process.wait(fork { sleep 1.5 })
raise "the child failed" unless $?.success?
