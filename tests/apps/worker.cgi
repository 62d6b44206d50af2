#!/bin/sh
# Names the worker that answers.
printf 'Content-Type: text/plain\n\nworker %d\n' "$PPID"
