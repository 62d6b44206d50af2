<?php
// An object of the leader's whose destructor removes its file at a child's end, too, where an argument says so; the child's own one may.
class File {
    private $leader;

    function __construct(private string $path) {
        touch($path);
        $this->leader = getmypid();
    }

    function __destruct() {
        global $argv;
        if (in_array("removes", $argv) || getmypid() === $this->leader) {
            @unlink($this->path);
        }
    }
}

$path = "destructors-php." . getmypid();
file_put_contents($path, ""); // created in main
$file = new File($path);
$child = pcntl_fork();
if ($child === 0) {
    $own = new File("$path.own");
    exit(0);
}
pcntl_waitpid($child, $status);
clearstatcache();
echo file_exists($path) ? "there " : "gone ", file_exists("$path.own") ? "True" : "False", "\n";
