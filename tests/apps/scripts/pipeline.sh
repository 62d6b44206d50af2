# Pipelines, subshells, background jobs, traps, here documents, command substitution.
set -o pipefail
seq 1 200 | grep 7 | sort -rn | (while read -r number; do echo "line $number"; done) | tail -5
(exit 7) || echo "subshell ended with $?"
for job in 1 2 3 4; do (echo "job $job"; exit "$job") >"job.$job" & jobs+=($!); done
for job in "${jobs[@]}"; do wait "$job"; echo "waited for $?"; done
cat job.1 job.2 job.3 job.4
(trap 'echo trapped; exit 5' TERM; kill -TERM $BASHPID; sleep 60)
echo "trap ended with $?"
sum=0
for number in $(seq 50); do sum=$((sum + $(echo "$number"))); done
echo "sum $sum"
tr a-z A-Z <<<"here string"
diff <(seq 5) <(seq 4)
coproc CAT { cat; }
echo "through a coprocess" >&"${CAT[1]}"
read -r line <&"${CAT[0]}"
echo "$line"
# Bash forgets the variable as soon as the coprocess ends.
coprocess=$CAT_PID
exec {CAT[1]}>&-
wait "$coprocess"
echo "to stderr" >&2
exit 4
