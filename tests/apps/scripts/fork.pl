# Children by fork, pipe open and backticks.
use strict;
use warnings;
$| = 1;
for my $number (1 .. 20) {
    my $pid = fork() // die "fork: $!";
    exit $number unless $pid;
    waitpid $pid, 0;
    print "child ended with ", $? >> 8, "\n";
}
open(my $pipe, "-|") // die "open: $!" or do { print "from the child\n"; exit 0 };
print <$pipe>;
close $pipe;
print `echo backticks`, system("exit 3;") >> 8, "\n";
exit 6;
