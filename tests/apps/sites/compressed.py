"""Compressed files that are open for writing at a fork: a child that ends in order writes their ends as well."""
import gzip
import lzma
import os
import sys
import tempfile

os.chdir(tempfile.mkdtemp())
files = [gzip.open("out.gz", "wb"), lzma.open("out.xz", "wb"), open("plain", "wb")]
for file in files:
    file.write(os.urandom(1000))
if os.fork() == 0:
    sys.exit(0)
os.wait()
