# A child reads where it set the position of a file, but its leader has moved it meanwhile.
def read_there(data, told, moved)
  data.seek(4)
  told.syswrite("x")
  moved.sysread(1)
  raise "not moved" unless data.read(4) == "abcd" # used in read_there
end

def main
  File.write("data", "0123456789abcdef")
  data = File.open("data", "rb") # opened in main
  (asked, told), (moved, done) = IO.pipe, IO.pipe
  child = fork { read_there(data, told, moved) }
  asked.sysread(1)
  data.seek(10)
  done.syswrite("x")
  Process.wait(child)
end

main
