# Threads that connect in every shape of call, with and without the GVL, while memory is compacted and children are forked: for as many
# seconds as the argument says. Tells of each fork where what was open before and after it had been connected.
require "json"
require "socket"

SERVER = TCPServer.new("127.0.0.1", 0)
PORT = SERVER.addr[1]
THREADS, KEPT = 8, 6
$open = {}

class Connecting
  def initialize(number)
    @number, @turn, @sockets = number, 0, []
  end

  def run
    loop do
      # So many different stacks a thread: the library's store of them is bounded.
      @turn = (@turn + 1) % 32
      @random = Random.new(@number * 32 + @turn)
      shape(@random.rand(10))
      # What is made goes at the pace at which sites are taken.
      sleep 0.006
    end
  end

  # Goes deeper in one of the ways in which Ruby code calls Ruby code.
  def shape(depth)
    return work if depth == 0
    case @random.rand(7)
    when 0 then shape(depth - 1)
    when 1 then [depth - 1].each { |below| shape(below) }
    when 2 then lambda { |below| shape(below) }.call(depth - 1)
    when 3 then yielding { shape(depth - 1) }
    when 4 then send(:shape, depth - 1)
    when 5 then method(:shape).to_proc.call(depth - 1)
    else
      begin
        raise ArgumentError
      rescue ArgumentError
        shape(depth - 1)
      ensure
        yielding { depth }
      end
    end
  end

  def yielding
    yield
  end

  def work
    if @sockets.size == KEPT
      oldest = @sockets.shift
      $open.delete(oldest.fileno)
      oldest.close
    end
    socket, known = TCPSocket.new("127.0.0.1", PORT), caller_locations(0)
    @sockets << socket
    # Methods written in C stand there too, with the line of their caller.
    own = known.select { |at| at.path == __FILE__ && %w[run shape yielding work <main>].include?(at.base_label) }
    $open[socket.fileno] = own.map { |at| [at.lineno, at.base_label] }
  end
end

Thread.report_on_exception = Thread.abort_on_exception = true
Thread.new { loop { SERVER.accept.close } }
THREADS.times { |number| Thread.new { Connecting.new(number).run } }
now = -> { Process.clock_gettime(Process::CLOCK_MONOTONIC) }
ends = now.call + ARGV[0].to_f
while now.call < ends
  before = $open.dup
  pid = fork { exit! }
  known = $open.select { |fd, stack| stack.equal?(before[fd]) }
  Process.wait(pid)
  GC.compact
  puts JSON.generate(child: pid, known: known)
end
