# SPDX-License-Identifier: GPL-2.0-only
# Instructions by size: a group of bars for each size.
set label 1 'Instructions by size of the object, kernel booted with init_on_alloc=0' at screen 0.02, 0.955 font ',15'
set style data histogram
set style histogram cluster gap 1.5
set boxwidth 0.95
set key outside right top vertical nobox samplen 1.2 Left reverse
set grid ytics lc rgb '#dddddd'
set yrange [0:*]
set xlabel 'bytes; allocate and free, bump: allocate'
plot data using 2:xtic(1) title columnheader lc rgb '#8a929c', \
	'' using 3 title columnheader lc rgb '#b8bec6', \
	'' using 4 title columnheader lc rgb '#dde1e6', \
	'' using 5 title columnheader lc rgb '#0b4a7d', \
	'' using 6 title columnheader lc rgb '#1a6fb4', \
	'' using 7 title columnheader lc rgb '#5fa3d9', \
	'' using 8 title columnheader lc rgb '#f28c28'
