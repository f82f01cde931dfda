# SPDX-License-Identifier: GPL-2.0-only
# Single operations out of a million: median, 99.9% and worst on a logarithmic scale.
set label 1 '1,000,000 single operations, instructions: median, 99.9%, worst' at screen 0.02, 0.955 font ',15'
set style data histogram
set style histogram cluster gap 1.2
set boxwidth 0.95
set logscale y
set yrange [1:40000]
set grid ytics lc rgb '#dddddd'
set xtics rotate by -30 font ',11'
set bmargin 6
set key outside right top vertical nobox samplen 1.2 Left reverse
plot data using 2:xtic(1) title 'median' lc rgb '#9ec9ea', \
	'' using 3 title '99.9%' lc rgb '#1a6fb4', \
	'' using 4 title 'worst' lc rgb '#c0392b'
