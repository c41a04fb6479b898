# What the figures of the benchmark come to: the bars, and whether they are reached.
# Fields: operation, signaled op, n, implementation, ns, ratio to ours, allocations
BEGIN { FS = "\t"; least = 0.95 }
/^#/ { next }
$1 == "memory"  { bytes[$4, $3] = $5; next }
$1 == "scaling" { if (!$2 && $4 == "ours") scaling[++scalings] = $5; next }
{
	key = $1 ($2 ? " (op)" : "") (($3 > 0) ? ", n = " $3 : "")
	allocations[$4, key] = $7
	keys[key] = $3
}
$4 == "ours" {
	if ($1 == "KERNEL query" && !$2) {
		if (!flat_low || $5 < flat_low) flat_low = $5
		if ($5 > flat_high) flat_high = $5
	}
	next
}
{
	others[$4] = 1
	sum[$4] += log($6)
	count[$4]++
	if ($6 < least)
		slow[$4, ++slows[$4]] = sprintf("%5.2f  %s", $6, key)
	if ($4 == "peer" && $1 ~ /^test, (busy|all signaled|idle)$/ && !$2) {
		test_sum += log($6)
		test_count++
		if (!test_least || $6 < test_least) { test_least = $6; test_where = key }
	}
}
function bar(what, reached) { printf "%-9s %s\n", reached ? "reached" : "MISSED", what }
function median(list, n,   i, j, t) {
	for (i = 2; i <= n; i++)
		for (j = i; j > 1 && list[j - 1] > list[j]; j--) {
			t = list[j]; list[j] = list[j - 1]; list[j - 1] = t
		}
	return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
}
END {
	print "\nThe bars"
	for (o in others) {
		mean = exp(sum[o] / count[o])
		bar(sprintf("%s: geometric mean %.2f of %d figures (bar: 2.0)", o, mean, count[o]), mean >= 2)
		bar(sprintf("%s: %d figures below %.2f (bar: none)", o, slows[o], least), !slows[o])
	}
	if (test_count) {
		mean = exp(test_sum / test_count)
		bar(sprintf("test_signaled without the operation, peer: geometric mean %.1f, least %.1f (%s; bar: 4)",
		    mean, test_least, test_where), test_least >= 4)
	}
	if (flat_low)
		bar(sprintf("KERNEL query: largest to smallest over n %.2f (bar: flat, 1.5)",
			    flat_high / flat_low), flat_high / flat_low <= 1.5)
	if (scalings) {
		mean = median(scaling, scalings)
		bar(sprintf("two readers to one, without a writer: median %.2f (bar: 1.9)", mean), mean >= 1.9)
	}
	for (o in others) {
		bar(sprintf("memory, %s: unused %d to %d, one fence %d to %d bytes", o, bytes["ours", 0],
			    bytes[o, 0], bytes["ours", 1], bytes[o, 1]),
		    bytes["ours", 0] <= bytes[o, 0] && bytes["ours", 1] <= bytes[o, 1])
		more = 0
		for (k in keys)
			if (keys[k] <= 4 && allocations["ours", k] > allocations[o, k] + 0.01) {
				more++
				print "          more allocations: " k
			}
		bar(sprintf("allocations up to 4 fences, %s: %d operations with more", o, more), !more)
	}
	for (o in others) {
		if (slows[o])
			print "\nTimes as fast as " o ", where below " least
		for (i = 1; i <= slows[o]; i++)
			print "  " slow[o, i]
	}
}
