# A Rack application: a request waits for ever.
reader, _writer = IO.pipe

run(lambda do |env|
  reader.read(1) if env["PATH_INFO"] == "/waits" # waits
  [200, {}, []]
end)
