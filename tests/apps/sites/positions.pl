# A child reads where it set the position of a file, but its leader has moved it meanwhile.
use strict;
use warnings;

open(my $new, ">", "data") or die;
print $new "0123456789abcdef";
close($new);
open(my $data, "<", "data") or die; # opened in main
pipe(my $asked, my $told);
pipe(my $moved, my $done);
my $byte;
my $child = fork();
if (!$child) {
    sysseek($data, 4, 0);
    syswrite($told, "x");
    sysread($moved, $byte, 1);
    sysread($data, my $bytes, 4); # used in main
    die unless $bytes eq "abcd";
    exit 0;
}
sysread($asked, $byte, 1);
sysseek($data, 10, 0);
syswrite($done, "x");
waitpid($child, 0);
