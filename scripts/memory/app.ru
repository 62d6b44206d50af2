# A Rack application of about 100 MB for scripts/bench-memory: a table of strings, arrays and hashes.
PRODUCTS = 250_000
CATALOGUE = (0...PRODUCTS).to_h { |number| ["product #{number}", { name: "name #{number}", tags: ["tag #{number % 97}", "tag #{number}"] }] }
NAMES = CATALOGUE.keys

run(lambda do |_environment|
  found = (rand(500)...NAMES.length).step(500).map { |index| CATALOGUE[NAMES[index]][:tags].map(&:upcase) }
  [200, { "content-type" => "text/plain" }, ["#{found.length} products\n"]]
end)
