# A library's mutex that a thread holds at the fork; the child takes it.
require "fiddle"

lock = Fiddle::Function.new(Fiddle::Handle::DEFAULT["pthread_mutex_lock"], [Fiddle::TYPE_VOIDP], Fiddle::TYPE_INT)
mutex = Fiddle::Pointer.malloc(64)
mutex[0, 64] = "\0" * 64
held = Queue.new
Thread.new do
  lock.call(mutex)
  held << true
  sleep # stood
end
held.pop

define_method(:handle_request) do
  lock.call(mutex) # waits
end

child = fork { handle_request }
Process.wait(child)
