#!/bin/sh
# Builds the pacing program. The result is committed: nobody needs a compiler to use it. Debian 12:
#   apt-get install clang llvm libbpf-dev linux-libc-dev
# `npm run generate` afterwards: plans name the program by its digest.
# With the same clang the result is the same, byte for byte (clang 14.0.6 was used).
set -eu
cd "$(dirname "$0")/../bpf"
# -mcpu=v2: kernels from 4.14 on take it. -g is for BTF, which describes the maps; the rest of it goes again.
clang -O2 -g -Wall -Wextra -Werror -target bpfel -mcpu=v2 -ffile-prefix-map="$PWD"=. \
  -fdebug-compilation-dir=. -I"/usr/include/$(uname -m)-linux-gnu" -c pacing.c -o pacing.o
llvm-strip -g pacing.o
llvm-objcopy -R .BTF.ext -R .rel.BTF.ext -R .llvm_addrsig pacing.o
ls -l pacing.o
