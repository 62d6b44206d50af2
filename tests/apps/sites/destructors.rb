# An object of the leader's whose finalizer removes its file at a child's end, too, where an argument says so; the child's own one may.
class Kept
  def self.remover(path, leader)
    proc { File.unlink(path) if (ARGV.include?("removes") || Process.pid == leader) && File.exist?(path) }
  end

  def initialize(path)
    File.write(path, "") # created in initialize
    ObjectSpace.define_finalizer(self, Kept.remover(path, Process.pid))
  end
end

path = "destructors-rb.#{Process.pid}"
file = Kept.new(path)
child = fork do
  own = Kept.new("#{path}.own")
end
Process.wait(child)
puts "#{File.exist?(path) ? 'there' : 'gone'} #{File.exist?("#{path}.own") ? 'True' : 'False'}"
