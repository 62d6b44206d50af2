<?php
// The leader's shutdown functions in a child; one removes the leader's file there where an argument says so.
$leader = getmypid();
$path = __DIR__ . "/exits-php.$leader";
touch($path);
function remove_file($leader, $path, $removes) {  // removed in remove_file
    if (getmypid() == $leader || $removes) @unlink($path);
}
register_shutdown_function('remove_file', $leader, $path, $argc > 1);
register_shutdown_function(function () { });  // other in {closure}
usleep(100000);
$child = pcntl_fork();
if ($child === 0) {
    remove_file($leader, "/nowhere", true);
    exit(0);
}
pcntl_waitpid($child, $status);
