# shellcheck shell=dash
# Measures, and prints the results as the benchmark's module gives them. Run by tools/bench/bench.sh.

results=/sys/kernel/debug/nebula_bench/results

step 'load nebula_memory' insmod ./nebula_memory.ko
step 'load nebula_bench' insmod ./nebula_bench.ko
step 'measure' cat "$results"
step 'unload nebula_bench' rmmod nebula_bench
step 'unload nebula_memory' rmmod nebula_memory
