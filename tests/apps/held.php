<?php
// Names the worker that answers; `/held` is answered when the test's gate lets go, and what has a query is noted when it begins.
$body = "worker " . getmypid() . "\n";
if ($_SERVER["QUERY_STRING"]) {
    file_put_contents($_SERVER["BEGUN"], $_SERVER["QUERY_STRING"] . "\n", FILE_APPEND);
}
if ($_SERVER["REQUEST_URI"] === "/held") {
    $gate = stream_socket_client("tcp://127.0.0.1:" . $_SERVER["GATE"]);
    fwrite($gate, $body);
    fread($gate, 1);
}
header("Content-Type: text/plain");
echo $body;
