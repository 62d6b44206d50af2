# The tool and the library for Ruby servers: `forkguard run -- unicorn app.ru`.
Gem::Specification.new do |gem|
  gem.name = "forkguard"
  gem.version = ENV.fetch("FORKGUARD_VERSION")
  gem.platform = "x86_64-linux"
  gem.summary = "Tells what the workers of preloading servers inherit broken"
  gem.description = "A library that is preloaded into prefork servers (Unicorn, Puma) and says at every fork which threads, locks, descriptors and signal handlers a worker cannot use, and the tool that starts servers under it."
  gem.authors = ["The forkguard developers"]
  gem.homepage = "https://github.com/forkguard/forkguard"
  gem.licenses = ["Apache-2.0", "MIT"]
  gem.required_ruby_version = ">= 2.7"
  gem.files = Dir["exe/*", "libexec/*", "LICENSE-*", "README.md"].sort
  gem.bindir = "exe"
  gem.executables = ["forkguard"]
end
