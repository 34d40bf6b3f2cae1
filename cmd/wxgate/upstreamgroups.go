package main

import (
	"reflect"
	"slices"

	"wxgate/proxy/upstream"
)

// groups are the upstream groups in use. A reload keeps those whose
// configuration did not change, with their connections and what they know of
// their targets' health.
type groups struct {
	metrics *upstream.Metrics
	log     *logger
	inUse   []usedGroup
}

type usedGroup struct {
	config upstream.Config
	group  *upstream.Group
}

// generation collects the groups of one configuration.
type generation struct {
	*groups
	next []usedGroup
}

func (g *groups) begin() *generation { return &generation{groups: g} }

// group gives the group for a configuration: the one in use, or a new one.
func (gen *generation) group(c upstream.Config) (*upstream.Group, error) {
	for _, used := range gen.inUse {
		if reflect.DeepEqual(used.config, c) {
			gen.next = append(gen.next, used)
			return used.group, nil
		}
	}
	group, err := upstream.New(c, gen.metrics, gen.log.Logger)
	if err != nil {
		return nil, err
	}
	gen.next = append(gen.next, usedGroup{c, group})
	return group, nil
}

// commit closes the groups that are used no more; requests on their way end
// as they began.
func (gen *generation) commit() {
	closeMissing(gen.inUse, gen.next)
	gen.inUse = gen.next
}

// rollback closes the groups that were made for a configuration that is not
// going to be used.
func (gen *generation) rollback() { closeMissing(gen.next, gen.inUse) }

func closeMissing(from, in []usedGroup) {
	for _, used := range from {
		if !slices.ContainsFunc(in, func(u usedGroup) bool { return u.group == used.group }) {
			used.group.Close()
		}
	}
}
