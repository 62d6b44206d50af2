# An object of the leader's whose destructor removes its file at a child's end, too, where an argument says so; the child's own one may.
use strict;
use warnings;

package File;

sub new {
    my ($class, $path) = @_;
    open my $handle, ">", $path or die; # created in new
    close $handle;
    return bless { path => $path, leader => $$ }, $class;
}

sub DESTROY {
    my ($self) = @_;
    unlink $self->{path} if grep({ $_ eq "removes" } @ARGV) || $$ == $self->{leader};
}

package main;

my $path = "destructors-pl.$$";
our $file = File->new($path);
my $lexical = File->new("$path.lexical");
my $child = fork;
if ($child == 0) {
    our $own = File->new("$path.own");
    exit 0;
}
waitpid $child, 0;
print -e $path && -e "$path.lexical" ? "there " : "gone ", -e "$path.own" ? "True" : "False", "\n";
