# What dlopen could not do is what dlerror says, whatever hooked calls the thread made meanwhile.
require "fiddle"
require "socket"

handle = Fiddle::Handle::DEFAULT
dlopen = Fiddle::Function.new(handle["dlopen"], [Fiddle::TYPE_VOIDP, Fiddle::TYPE_INT], Fiddle::TYPE_VOIDP)
dlerror = Fiddle::Function.new(handle["dlerror"], [], Fiddle::TYPE_VOIDP)

[-> {}, -> { UNIXSocket.pair }, -> { Process.wait(fork { exit!(0) }) }, -> { Thread.new {}.join }].each do |deed|
  dlopen.call("/nonexistent.so", 2)
  deed.call
  text = dlerror.call
  abort "dlerror was cleared" if text.null?
  puts text.to_s
end
