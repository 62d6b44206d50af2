# Makes a listening socket, both ends of a connection and a handler, and forks, on lines that the test knows by their comments.
use strict;
use warnings;
use Socket;

sub serve {
    socket(my $server, PF_INET, SOCK_STREAM, 0) or die; # listening in serve
    listen($server, 1) or die;
    return $server;
}

sub connect_to {
    socket(my $client, PF_INET, SOCK_STREAM, 0) or die;
    connect($client, shift) or die; # connected in connect_to
    return $client;
}

sub receive {
    accept(my $accepted, shift) or die; # accepted in receive
    return $accepted;
}

sub boot {
    return fork; # fork in boot
}

my $server = serve();
my $client = connect_to(getsockname $server);
my $accepted = receive($server);
$SIG{USR2} = sub { }; # set in main
my $child = boot();
if ($child == 0) {
    select undef, undef, undef, 0.01;
    exit 0;
}
waitpid $child, 0;
