package config

// editDistance returns the number of bytes to insert, delete, replace or
// transpose (the optimal string alignment distance). For words of more than 64
// bytes it returns 64, which bounds the time.
func editDistance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			rows[i][j] = prefixDistance(rows, a, b, i, j)
		}
	}
	return rows[len(a)][len(b)]
}

// prefixDistance is the distance of a[:i] and b[:j], given those of all shorter
// prefixes.
func prefixDistance(rows [][]int, a, b string, i, j int) int {
	replace := 1
	if a[i-1] == b[j-1] {
		replace = 0
	}
	distance := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+replace)
	if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
		distance = min(distance, rows[i-2][j-2]+1)
	}
	return distance
}
