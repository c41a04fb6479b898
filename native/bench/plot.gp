# How the operations grow with the number of fences; fences without a signaled op
set terminal svg size 1100,1200 font "sans,11" background "white"
set output out
set datafile separator "\t"
set logscale xy
set xtics ("1" 1, "4" 4, "16" 16, "64" 64, "256" 256, "1024" 1024)
set xrange [0.8:1280]
set grid
set key top left
set ylabel "ns"
operations = "'add, same context' 'add n contexts' 'test, busy' 'test, all signaled' \
	'KERNEL query' 'iterate, locked' 'iterate, unlocked' 'get_fences' 'get_singleton' \
	'copy_fences' 'wait, all signaled' '2 readers, 0 writers'"
count = 12
op(i) = system(sprintf("printf '%%s\\n' %s | sed -n %dp", operations, i))
points(i, impl) = sprintf("< awk -F'\\t' '$1 == \"%s\" && $2 == 0 && $4 == \"%s\"' %s", op(i), impl, data)
set multiplot layout 4,3 title "dma\\_resv: nanoseconds an operation, by the number of fences"
do for [i = 1:count] {
	set title op(i) noenhanced
	plot points(i, "base") using 3:5 with linespoints lw 2 pt 5 lc "#999999" title "5.10", \
	     points(i, "peer") using 3:5 with linespoints lw 2 pt 7 lc "#d08000" title "later kernel", \
	     points(i, "ours") using 3:5 with linespoints lw 2 pt 9 lc "#0060c0" title "ours"
}
unset multiplot
