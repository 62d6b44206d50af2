"""Prints a table of `forkguard cow --compare --format json` as Markdown."""
import json
import sys

table = json.load(open(sys.argv[1]))
megabytes = lambda kilobytes: f"{kilobytes / 1024:.0f}"
print(f"| MB | a worker at the start | after {table['requests']} requests | all at the start | after | saved with 2 / 8 / 32 workers | ready after |")
print("|---|---|---|---|---|---|---|")
for row in table["rows"]:
    saved = " / ".join(megabytes(size) for size in row["saved"]) if row["saved"] else "–"
    sizes = " | ".join(megabytes(row[name]) for name in ("pss_at_start", "pss_after", "total_at_start", "total_after"))
    print(f"| {row['variant']} | {sizes} | {saved} | {row['ready_seconds']:.1f} s |")
for note in table["notes"]:
    print(note)
