# What a worker has for itself alone after it has looked through its leader's table 500 times. Ruby's version decides what FORKGUARD_MEMORY=freeze does:
# 3.1 and 3.2 collect, 3.3 warms up (scripts/in-root trixie has one).
CATALOGUE = (0...250_000).to_h { |number| ["product #{number}", { name: "name #{number}", tags: ["tag #{number % 97}", "tag #{number}"] }] }
NAMES = CATALOGUE.keys

worker = fork do
  500.times { (rand(50)...NAMES.length).step(50).map { |index| CATALOGUE[NAMES[index]][:tags].map(&:upcase) } }
  alone = File.foreach("/proc/self/smaps_rollup").grep(/^Private_/).sum { |line| line[/\d+/].to_i }
  puts "Ruby #{RUBY_VERSION}: #{alone / 1024} MB"
end
Process.wait(worker)
