# SPDX-License-Identifier: GPL-2.0-only
# What all charts share. The variable about names the machine, data is the file.
set terminal svg noenhanced size 800,420 font 'sans-serif,13' background rgb 'white'
set datafile separator '\t'
set style fill solid 1.0 noborder
set border 3 lc rgb '#666666'
set tics nomirror textcolor rgb '#222222'
set key off
set tmargin at screen 0.83
set label 2 about at screen 0.02, 0.90 font ',11' textcolor rgb '#666666'

# A row of ours is blue, one of the kernel's is grey.
colour(is_ours) = is_ours == 1 ? 0x1a6fb4 : 0x8a929c
