# Clients that share one connection with a child, as perlipc shows: one of both writes what is typed, the other one prints what comes.
use strict;
use warnings;
use IO::Socket::INET;

my $listener = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die "listen: $!";

sub ended { waitpid($_[0], 0); die "status $?" if $?; }

# Sends back what it is sent, and ends.
sub serve {
    my $pid = fork // die "fork: $!";
    return $pid if $pid;
    my $client = $listener->accept or die "accept: $!";
    print $client $_ while <$client>;
    exit 0;
}

sub types {
    my $server = shift;
    print $server "line $_\n" or die "send: $!" for 1 .. 3;
    shutdown($server, 1);
}

sub prints {
    my $server = shift;
    my @lines = <$server>;
    die "got @lines" if @lines != 3;
}

# The child prints, the leader types.
sub child_prints {
    my $server = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $listener->sockport) or die "connect: $!";
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        prints($server);
        exit 0;
    }
    types($server);
    ended($pid);
}

for (1 .. 2) {
    my $server = serve();
    my $client = fork // die "fork: $!";
    if (!$client) {
        child_prints();
        exit 0;
    }
    ended($_) for $server, $client;
}
