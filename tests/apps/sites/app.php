<?php
// Makes a listening socket, both ends of a connection and a handler, and forks, on lines that the test knows by their comments.
function serve() {
    return stream_socket_server("tcp://127.0.0.1:0"); // listening in serve
}

function connect($address) {
    return stream_socket_client("tcp://$address"); // connected in connect
}

function receive($server) {
    return stream_socket_accept($server); // accepted in receive
}

function boot() {
    return pcntl_fork(); // fork in boot
}

$server = serve();
$client = connect(stream_socket_get_name($server, false));
$accepted = receive($server);
pcntl_signal(SIGUSR2, function () {}); // set in main
$child = boot();
if ($child === 0) {
    usleep(10000);
    exit(0);
}
pcntl_waitpid($child, $status);
