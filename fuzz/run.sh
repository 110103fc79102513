#!/bin/sh
# fuzz/run.sh TARGET SECONDS: libFuzzer with ASan and UBSan. What it finds ends the run and lies
# in build-fuzz/found/; mend it, then keep the input in tests/data/fuzz/TARGET/. The minutes of
# runs that found nothing are added up in fuzz/HOURS.
set -eu
cd "$(dirname "$0")/.."
target=$1
seconds=${2:-600}
[ -e "tests/data/fuzz/$target" ] || target=intake_$target
[ -e "tests/data/fuzz/$target" ] || { echo "no target '$1': $(ls tests/data/fuzz | xargs)" >&2; exit 1; }
[ -e build-fuzz/build.ninja ] ||
	CC=clang meson setup build-fuzz -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false \
		-Dc_args=-fsanitize=fuzzer-no-link >/dev/null
ninja -C build-fuzz "fuzz/fuzz-$target" >build-fuzz/ninja.log 2>&1 || { tail -40 build-fuzz/ninja.log; exit 1; }
mkdir -p "build-fuzz/corpus/$target" build-fuzz/found
UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 "build-fuzz/fuzz/fuzz-$target" \
	-max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
	-artifact_prefix="build-fuzz/found/$target-" \
	"build-fuzz/corpus/$target" "tests/data/fuzz/$target"
flock build-fuzz/lock sh -c '
	awk -v t="$0" -v m="$1" "
		\$1 == t { \$2 += m; seen = 1 }
		{ print }
		END { if (!seen) print t, m }" fuzz/HOURS >build-fuzz/HOURS
	cat build-fuzz/HOURS >fuzz/HOURS' "$target" $((seconds / 60))
