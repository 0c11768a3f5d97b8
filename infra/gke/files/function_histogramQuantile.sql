-- SigNoz asks for percentiles of classic histograms by this name. Its own program for it, which a VM fetches, would have the
-- pods in which viewers' queries run dial the internet; these are its rules (SigNoz v0.138.0,
-- scripts/clickhouse/histogramquantile; they are Prometheus'): counts of equal bounds are added and never decrease, the last
-- bound is infinite, the first bucket begins at 0.
CREATE FUNCTION histogramQuantile AS (buckets, counts, quantile) ->
arrayMap(given -> arrayMap(bounds -> arrayMap(sums -> arrayMap(observed -> arrayMap(bucket -> multiIf(
    isNaN(given.3), nan,
    given.3 < 0, -inf,
    given.3 > 1, inf,
    length(bounds) < 2 OR bounds[-1] != inf OR observed[-1] = 0, nan,
    bucket = 0, bounds[-2],
    bucket = 1 AND bounds[1] <= 0, bounds[1],
    bucket = 1, bounds[1] * (given.3 * observed[-1] / observed[1]),
    bounds[bucket - 1] + (bounds[bucket] - bounds[bucket - 1])
        * ((given.3 * observed[-1] - observed[bucket - 1]) / (observed[bucket] - observed[bucket - 1]))
), [arrayFirstIndex(count -> count >= given.3 * observed[-1], arrayPopBack(observed))])[1],
[arrayMap(index -> arrayMax(arraySlice(sums, 1, index)), arrayEnumerate(sums))])[1],
[arrayMap(bound -> arraySum((other, count) -> if(other = bound, count, 0), given.1, given.2), bounds)])[1],
[arraySort(arrayDistinct(given.1))])[1],
[(buckets, counts, toFloat64(quantile))])[1]
