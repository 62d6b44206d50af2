# A library's thread at a fork: of its own, or one that this program asked for.
$LOAD_PATH.unshift File.join(__dir__, "gems/housekeeper-1.0/lib")
require "housekeeper"
Housekeeper.start if ARGV[0] == "asked"
Thread.pass until Thread.list.all? { |thread| thread == Thread.current || thread.status == "sleep" }
Process.wait(fork { sleep 0.01 })
