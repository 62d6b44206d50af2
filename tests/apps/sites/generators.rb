# Random generators: MRI's own is seeded anew in a child, and what is taken from the kernel for a token seeds none; an object's state is copied.
require "securerandom"
rand
[1, 2].shuffle
SecureRandom.hex(16)
GENERATOR = Random.new if ARGV[0] == "made" # made in <main>
2.times { Process.wait(fork { (GENERATOR rescue Random).rand; sleep 0.01 }) }
