# The leader's END blocks in a child; one removes the leader's file there where an argument says so.
use strict;
my $leader = $$;
my $path = "exits-pl.$leader";
open(my $file, ">", $path) or die;
close $file;
END {
    unlink $path if $$ == $leader || @ARGV;  # removed in END block
}
END { 1 }  # other in END block
select(undef, undef, undef, 0.1);
my $child = fork;
exit 0 if !$child;
waitpid($child, 0);
