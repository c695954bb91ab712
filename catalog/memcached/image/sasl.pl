#!/usr/bin/perl
# sasl.pl ready|grant|revoke: what `sasl` does, one at a time. Prints the name of the file that says
# that the server owes a restart, where it does.
use strict;
use warnings;
use DB_File;
use Fcntl;
use IO::Handle;
use IO::Socket::INET;
use JSON::PP;
use Sys::Hostname;

my $users = '/data/sasldb2';
my $asked = decode_json(join '', <STDIN>);
my %does = (ready => \&ready, grant => \&grant, revoke => \&revoke);
($does{$ARGV[0]} // die "sasl knows no $ARGV[0]\n")->();

# Logs in as the broker, by a message of the binary protocol: its header is of 24 bytes.
sub ready {
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1:11211', Timeout => 1)
        or later('Memcached takes no connections');
    my $login = "PLAIN\0$asked->{admin}{user}\0$asked->{admin}{password}";
    print $socket pack('C2 n C2 n N x12', 0x80, 0x21, 5, 0, 0, 0, length $login), $login;
    $socket->flush;
    read $socket, my $answer, 24;
    my ($magic, $status) = unpack 'C x5 n', $answer;
    later('Memcached does not answer') if ($magic // 0) != 0x81;
    later("Memcached refused the broker's password") if $status != 0;
}

sub later {
    print STDERR "$_[0]\n";
    exit 75;
}

sub grant {
    change(sub { $_[0]{property()} = $asked->{password} });
}

# The mark is there before the user is gone, and until the restart: whoever is broken off on the way
# finds it when trying again.
sub revoke {
    my $mark = "revoked-$asked->{user}";
    change(sub {
        my ($all) = @_;
        return if !exists $all->{property()};
        sysopen my $file, $mark, O_WRONLY | O_CREAT or die "$mark: $!\n";
        delete $all->{property()};
    });
    print $mark if -e $mark;
}

# Where Cyrus SASL looks for a user's password. The realm is the host's name, as for Memcached.
sub property { join "\0", $asked->{user}, hostname(), 'userPassword' }

# Changes a copy, and puts that in place: at any time all users of before are there or all of after.
sub change {
    my ($edit) = @_;
    my $copy = "$users.new";
    unlink $copy;
    my $file = tie my %new, 'DB_File', $copy, O_RDWR | O_CREAT, 0600, $DB_HASH
        or die "$copy: $!\n";
    if (-e $users) {
        tie my %old, 'DB_File', $users, O_RDONLY, 0600, $DB_HASH or die "$users: $!\n";
        %new = %old;
    }
    $edit->(\%new);
    $file->sync == 0 or die "$copy: $!\n";
    rename $copy, $users or die "$users: $!\n";
    open my $folder, '<', '/data' or die "/data: $!\n";
    $folder->sync or die "/data: $!\n";
}
