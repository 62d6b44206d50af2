#!/bin/sh
# Names the worker that answers; what has a query is noted when it begins.
[ -z "$QUERY_STRING" ] || echo "$QUERY_STRING" >>"$BEGUN"
printf 'Content-Type: text/plain\n\nworker %d\n' "$PPID"
