# Unicorn counts a line too many in this file.
require File.join(__dir__, "stuck.rb")

run STUCK
