<?php
// A function that the interpreter runs at its end, in a child, too: it ends the leader's helper there where an argument says so.
function start() {
    $child = pcntl_fork();  // created in start
    while ($child === 0) sleep(1000);
    return $child;
}
$leader = getmypid();
$helper = start();
register_shutdown_function(function () use ($leader, $helper, $argc) {  // removed in {closure}
    if (getmypid() == $leader || $argc > 1) posix_kill($helper, SIGTERM);
});
$child = pcntl_fork();
if ($child === 0) exit(0);
pcntl_waitpid($child, $status);
