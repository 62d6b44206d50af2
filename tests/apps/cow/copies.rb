# A worker that copies its leader's pages by writing into its strings, a few at a time.
TABLE = Array.new(25_000) { |number| "value #{number} " * 400 }

def change(strings)
  strings.each_with_index do |string, index|
    string.setbyte(0, 86) # copies
    sleep 0.01 if (index % 20).zero?
  end
end

child = fork { loop { change(TABLE) } }
puts child
$stdout.flush
Process.wait(child)
