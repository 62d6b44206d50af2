# A library's thread at a fork: of its own, or one that this program asked for.
$LOAD_PATH.unshift File.join(__dir__, "gems/housekeeper-1.0/lib")
require "housekeeper"
case ARGV[0]
when "asked" then Housekeeper.start
when "helped" then Housekeeper.start_with_help
when "thread"
  Thread.new do
    Housekeeper.start
    sleep
  end
end
threads = %w[helped thread].include?(ARGV[0]) ? 2 : 1
Thread.pass until Thread.list.count { |thread| thread != Thread.current && thread.status == "sleep" } == threads
Process.wait(fork { sleep 0.01 })
