# A block that the interpreter runs at its end, in a child, too: it ends the leader's helper there where an argument says so.
use strict;
my ($leader, $helper) = ($$, start());
sub start {
    my $child = fork;  # created in start
    exec("sleep", "1000") if !$child;
    return $child;
}
END {
    kill TERM => $helper if $$ == $leader || @ARGV;  # removed in END block
}
my $child = fork;
exit 0 if !$child;
waitpid($child, 0);
