# Children of a Ruby program with a thread: pipes with both ends closed where they are not used, results by Marshal, trap set again.
ticker = Thread.new { sleep 0.05 while true }
trap("USR1") { }
children = 3.times.map do |number|
  reader, writer = IO.pipe
  pid = fork do
    reader.close
    trap("USR1", "DEFAULT")
    Marshal.dump((1..number).sum, writer)
  end
  writer.close
  [pid, reader]
end
sums = children.map { |_pid, reader| Marshal.load(reader) }
children.each { |pid, _reader| Process.wait(pid); raise "a child failed" unless $?.success? }
raise sums.inspect unless sums == [0, 1, 3]
ticker.kill
