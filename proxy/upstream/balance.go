package upstream

import (
	"context"
	"math"
)

type hashKey struct{}

// WithHashKey names what hash_openid balances by: the same key goes to the
// same target for as long as that target takes requests. When a target leaves,
// only its own keys move.
func WithHashKey(ctx context.Context, key string) context.Context {
	return context.WithValue(ctx, hashKey{}, key)
}

func hashKeyOf(ctx context.Context) string {
	key, _ := ctx.Value(hashKey{}).(string)
	return key
}

// choose takes one of the open peers, of which there is at least one. The
// caller holds the group's lock.
func choose(balance, key string, open []*peer) *peer {
	switch {
	case balance == HashOpenID && key != "":
		return hashed(key, open)
	case balance == LeastConn:
		return roundRobin(leastBusy(open))
	}
	return roundRobin(open)
}

// roundRobin is the smooth weighted kind: weights 3 and 1 give A A B A rather
// than A A A B. Every peer earns its weight; the richest is taken and pays for all.
func roundRobin(open []*peer) *peer {
	var best *peer
	total := 0
	for _, p := range open {
		total += p.weight
		p.credit += p.weight
		if best == nil || p.credit > best.credit {
			best = p
		}
	}
	best.credit -= total
	return best
}

// leastBusy keeps those with the fewest requests in flight for their weight,
// in place.
func leastBusy(open []*peer) []*peer {
	least := open[:0]
	for _, p := range open {
		if len(least) > 0 && p.busierThan(least[0]) {
			continue
		}
		if len(least) > 0 && least[0].busierThan(p) {
			least = least[:0]
		}
		least = append(least, p)
	}
	return least
}

// hashed is weighted rendezvous hashing: each peer draws a lot from key and
// its own name, the same on every instance, and the longest wins.
func hashed(key string, open []*peer) *peer {
	sum := hash(key)
	var best *peer
	longest := math.Inf(-1)
	for _, p := range open {
		if l := lot(sum, p.seed, p.weight); l > longest {
			best, longest = p, l
		}
	}
	return best
}

// lot turns a key and a peer into a number in (-Inf, 0] whose maximum falls to
// each peer in proportion to its weight.
func lot(key, seed uint64, weight int) float64 {
	unit := (float64(mix(key^seed)>>11) + 0.5) / (1 << 53)
	return math.Log(unit) / float64(weight)
}

// hash is FNV-1a of 64 bits.
func hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// mix spreads every bit over all others (the finalizer of splitmix64).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
