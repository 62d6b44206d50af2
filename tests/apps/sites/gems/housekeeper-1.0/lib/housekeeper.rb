# A library that starts a thread for itself while it is loaded, or when it is asked to.
module Housekeeper
  QUEUE = Queue.new

  def self.start
    Thread.new { loop { QUEUE.pop.call } }
  end

  def self.start_with_help
    Thread.new do
      start
      sleep
    end
  end

  case ARGV[0]
  when "loaded" then start
  when "sleeps" then Thread.new { sleep }
  end
end
