# A thread that waits for a process of the leader's, at a fork.
reads, writes = IO.pipe
Process.detach(spawn("cat", in: reads))
Process.wait(fork { sleep 0.01 })
writes.close
