# Loaded before the program: its heap is compacted before the first fork (Ruby 3.1).
module CompactBeforeFork
  def _fork
    GC.compact unless @compacted
    @compacted = true
    super
  end
end
Process.singleton_class.prepend(CompactBeforeFork)
