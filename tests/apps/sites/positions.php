<?php
// A child reads where it set the position of a file, but its leader has moved it meanwhile.
function read_there($data, $leader): void
{
    fseek($data, 4);
    fwrite($leader, "x");
    fread($leader, 1);
    if (fread($data, 4) !== "abcd") { // used in read_there
        exit(1);
    }
}

function main(): void
{
    file_put_contents("data", "0123456789abcdef");
    $data = fopen("data", "rb"); // opened in main
    stream_set_read_buffer($data, 0);
    [$leader, $child] = stream_socket_pair(STREAM_PF_UNIX, STREAM_SOCK_STREAM, 0);
    $pid = pcntl_fork();
    if ($pid === 0) {
        read_there($data, $leader);
        exit(0);
    }
    fread($child, 1);
    fseek($data, 10);
    fwrite($child, "x");
    pcntl_waitpid($pid, $status);
}

main();
