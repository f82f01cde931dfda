# SPDX-License-Identifier: GPL-2.0-only
# Instructions of an operation: horizontal bars with their figures.
set label 1 'Instructions per operation, 64 bytes, kernel booted with init_on_alloc=0' at screen 0.02, 0.955 font ',15'
set lmargin 34
set rmargin 8
set yrange [-0.7:*]
set xrange [0:*]
set offsets 0, 0, 0.7, 0
set grid xtics lc rgb '#dddddd'
set boxwidth 0.7
plot data using (0):0:(0):2:($0-0.35):($0+0.35):(colour($3)):ytic(1) with boxxyerror lc rgb variable, \
	data using 2:0:(sprintf('%.0f', $2)) with labels left offset 0.5,0
