<?php
// Waits for a line that nobody writes, in a function that a method calls.

function answer($connection) {
    return fgets($connection); // # waits
}

class Shop {
    private $ours;
    private $theirs;

    function __construct() {
        [$this->ours, $this->theirs] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
        stream_set_timeout($this->ours, 3600);
    }

    function serve() {
        return array_map("answer", [$this->ours]); // # serves
    }
}

$shop = new Shop();
$shop->serve(); // # starts
