#!/bin/bash -eu
# What OSS-Fuzz and ClusterFuzzLite call: builds every target with RUSTFLAGS as they are set, and copies it to $OUT with its
# seeds and its dictionary. Runs without docker as well, where SRC, OUT and RUSTFLAGS are set; TARGETS chooses some of them.

root=${WIREPROOF:-$SRC/wireproof}
host=$(rustc -vV | sed -n 's/^host: //p')
built=${CARGO_TARGET_DIR:-$root/fuzz/target}
targets=${TARGETS:-$(cd "$root/fuzz" && sed -n 's/^path = "fuzz_targets\/\(.*\)\.rs"$/\1/p' Cargo.toml | grep -v -x -e canary -e rate)}

export RUSTFLAGS="$RUSTFLAGS --cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-simplifycfg-branch-fold-threshold=0 \
    -Cdebug-assertions -Ccodegen-units=1"

bins=()
for target in $targets; do
    bins+=(--bin "$target")
done
cargo build --release --manifest-path "$root/fuzz/Cargo.toml" --target "$host" --target-dir "$built" "${bins[@]}"

for target in $targets; do
    cp "$built/$host/release/$target" "$OUT/"
    if [ -f "$root/fuzz/dictionaries/$target.dict" ]; then
        cp "$root/fuzz/dictionaries/$target.dict" "$OUT/"
    fi
    if [ -d "$root/fuzz/seeds/$target" ]; then
        (cd "$root/fuzz/seeds/$target" && zip -q -r "$OUT/${target}_seed_corpus.zip" .)
    fi
done
