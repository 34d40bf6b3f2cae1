package upstream

import "math"

// choose returns one of the candidates, which must not be empty. The caller holds the
// group's lock.
func choose(balance, key string, candidates []*endpoint) *endpoint {
	switch {
	case balance == HashOpenID && key != "":
		return highestScore(key, candidates)
	case balance == LeastConn:
		return roundRobin(leastLoaded(candidates))
	}
	return roundRobin(candidates)
}

// roundRobin is smooth weighted round robin: weights 3 and 1 give A A B A rather
// than A A A B. Each candidate's current weight grows by its weight; the highest is
// chosen and lowered by the sum of all weights.
func roundRobin(candidates []*endpoint) *endpoint {
	var best *endpoint
	total := 0
	for _, ep := range candidates {
		total += ep.weight
		ep.currentWeight += ep.weight
		if best == nil || ep.currentWeight > best.currentWeight {
			best = ep
		}
	}
	best.currentWeight -= total
	return best
}

// leastLoaded returns the candidates with the fewest requests in flight for their
// weight. It reuses the slice.
func leastLoaded(candidates []*endpoint) []*endpoint {
	least := candidates[:0]
	for _, ep := range candidates {
		if len(least) > 0 && ep.moreLoadedThan(least[0]) {
			continue
		}
		if len(least) > 0 && least[0].moreLoadedThan(ep) {
			least = least[:0]
		}
		least = append(least, ep)
	}
	return least
}

// highestScore is weighted rendezvous (HRW) hashing: each candidate has a score
// computed from the key and its own name, the same on every instance, and the highest
// score wins.
func highestScore(key string, candidates []*endpoint) *endpoint {
	sum := hash(key)
	var best *endpoint
	highest := math.Inf(-1)
	for _, ep := range candidates {
		if s := hrwScore(sum, ep.nameHash, ep.weight); s > highest {
			best, highest = ep, s
		}
	}
	return best
}

// hrwScore maps a key and an endpoint to a number in (-Inf, 0]. Each endpoint has the
// highest score for a share of the keys in proportion to its weight.
func hrwScore(key, nameHash uint64, weight int) float64 {
	unit := (float64(mix(key^nameHash)>>11) + 0.5) / (1 << 53)
	return math.Log(unit) / float64(weight)
}

// hash is 64-bit FNV-1a.
func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// mix makes every bit of the result depend on every bit of x (splitmix64's finalizer).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
