#!/usr/bin/env bash
# Fuzzes every target of one package: fuzz.sh DIR TIME. Go's fuzzer can take the end of its
# time for a failure, with the words below and no input (https://go.dev/issue/75804,
# fixed in Go 1.27). Such a run found nothing and is repeated once.
set -euo pipefail

dir=$1 time=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# "go test -fuzz" instruments all dependencies too. It compiles them once more, and the fuzzer then
# spends its time on them. Here only our own code is instrumented.
go test -c -gcflags "$(go list -m)/...=-d=libfuzzer" -o "$folder/fuzz.test" "$dir"
corpus=$(go env GOCACHE)/fuzz/$(go list "$dir") # where "go test -fuzz" keeps it

cd "$dir"
fuzz() {
	"$folder/fuzz.test" -test.run '^$' -test.fuzz "^$1\$" -test.fuzztime "$time" -test.fuzzminimizetime 10x \
		-test.fuzzcachedir "$corpus" -test.timeout 10m 2>&1 | tee "$folder/out"
}

targets=$("$folder/fuzz.test" -test.list '^Fuzz')
for target in $targets; do
	echo "== $dir $target"
	fuzz "$target" && continue
	if grep -qx '    context deadline exceeded' "$folder/out" && ! grep -q 'Failing input' "$folder/out"; then
		echo "The fuzzer took its own end for a failure: repeated once."
		fuzz "$target" && continue
	fi
	exit 1
done
