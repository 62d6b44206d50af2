# Jobs in children, their answers on pipes, as perlipc shows.
use strict;
use warnings;
my @readers;
for my $number (1 .. 4) {
    pipe(my $reader, my $writer) or die "pipe: $!";
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        close $reader;
        print $writer $number * $number;
        close $writer;
        exit 0;
    }
    close $writer;
    push @readers, $reader;
}
my $sum = 0;
$sum += <$_> for @readers;
1 while wait != -1;
exit($sum == 30 ? 0 : 1);
