<?php
// Workers that PHP forks; they append to one file, each with a lock of its own.
$children = [];
for ($number = 0; $number < 3; $number++) {
    $pid = pcntl_fork();
    if ($pid === 0) {
        $file = fopen("answers", "a");
        flock($file, LOCK_EX);
        fwrite($file, $number * $number . "\n");
        flock($file, LOCK_UN);
        exit(0);
    }
    $children[] = $pid;
}
foreach ($children as $pid) {
    pcntl_waitpid($pid, $status);
    if (!pcntl_wifexited($status) || pcntl_wexitstatus($status) !== 0) exit(1);
}
if (array_sum(file("answers")) !== 5) exit(1);
