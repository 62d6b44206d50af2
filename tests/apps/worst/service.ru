# A preloaded application whose thread takes the mutex of a native library for an instant, without Ruby's lock; a request takes it, too. `CURE=1`:
# each worker makes one of its own.
require "fiddle"

lock, unlock = %w[pthread_mutex_lock pthread_mutex_unlock].map do |name|
  Fiddle::Function.new(Fiddle::Handle::DEFAULT[name], [Fiddle::TYPE_VOIDP], Fiddle::TYPE_INT)
end
new_mutex = lambda do
  mutex = Fiddle::Pointer.malloc(64)
  mutex[0, 64] = "\0" * 64
  mutex
end
mutex = new_mutex.call
leader = Process.pid
consumer = Thread.new do
  loop do
    sleep 0.2
    lock.call(mutex) # thread
    unlock.call(mutex)
  end
end
consumer.name = "consumer"

run(lambda do |_environment|
  mutex, leader = new_mutex.call, Process.pid if ENV["CURE"] && leader != Process.pid
  lock.call(mutex) # worker
  unlock.call(mutex)
  [200, { "content-type" => "text/plain" }, ["consumed"]]
end)
