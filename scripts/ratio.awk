# Passes on what go test -bench prints, and ends with the median processor time
# of each benchmark beside that of the bare twin, whose name ends in Bare.

{ print }

/^Benchmark/ {
    name = $1
    sub(/-[0-9]+$/, "", name)
    for (i = 3; i < NF; i += 2)
        if ($(i + 1) == "cpu-ns/op") runs[name, ++count[name]] = $i
}

function median(name,    i, j, n, value) {
    n = count[name]
    for (i = 2; i <= n; i++) {
        value = runs[name, i]
        for (j = i - 1; j > 0 && runs[name, j] > value; j--) runs[name, j + 1] = runs[name, j]
        runs[name, j + 1] = value
    }
    return n % 2 ? runs[name, (n + 1) / 2] : (runs[name, n / 2] + runs[name, n / 2 + 1]) / 2
}

END {
    for (name in count) {
        medians[name] = median(name)
        if (name ~ /Bare$/) bare = medians[name]
    }
    for (name in count)
        if (bare) printf "%-32s %8.0f cpu-ns/op  %.2f of bare\n", name, medians[name], medians[name] / bare
}
