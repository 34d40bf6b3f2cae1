package session

import "strings"

// slots is the number of slots of a Redis Cluster.
const slots = 16384

// slot returns the cluster's slot of a key: CRC16/XMODEM of its hash tag.
//
// https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/
func slot(key string) int {
	if tag, ok := hashTag(key); ok {
		key = tag
	}
	crc := uint16(0)
	for i := range len(key) {
		crc ^= uint16(key[i]) << 8
		for range 8 {
			crc = crc<<1 ^ crc>>15*0x1021
		}
	}
	return int(crc) % slots
}

// hashTag returns the part of a key in braces, which alone determines its slot.
func hashTag(key string) (tag string, ok bool) {
	_, rest, _ := strings.Cut(key, "{")
	tag, _, closed := strings.Cut(rest, "}")
	return tag, closed && tag != ""
}
