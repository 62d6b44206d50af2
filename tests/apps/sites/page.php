<?php
// A page that connects and starts a program, on lines that the test knows by their comments. Its answer: the worker.
function connect($address) {
    return stream_socket_client("tcp://$address"); // connected in connect
}

class Page {
    function start() {
        return proc_open(["/bin/true"], [], $pipes); // fork in start
    }
}

$connection = connect($_SERVER["UPSTREAM"]);
$started = (new Page)->start();
echo getmypid(), " ", proc_close($started);
