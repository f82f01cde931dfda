# SPDX-License-Identifier: GPL-2.0-only
# Two CPUs over one: bars, with a line where nothing is lost.
set label 1 'Two CPUs over one, each allocates and frees for itself' at screen 0.02, 0.955 font ',15'
set yrange [0:2.4]
set xrange [-0.6:*]
set offsets 0, 0.6, 0, 0
set grid ytics lc rgb '#dddddd'
set boxwidth 0.7
set xtics font ',11'
plot data using 0:2:(colour($3)):xtic(1) with boxes lc rgb variable, \
	data using 0:2:(sprintf('%.2f', $2)) with labels offset 0,-0.8 textcolor rgb 'white', \
	2 with lines lc rgb '#c0392b' dt 2
