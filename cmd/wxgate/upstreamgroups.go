package main

import (
	"reflect"
	"slices"

	"wxgate/proxy/upstream"
)

// upstreamGroups are the upstream groups in use. A reload keeps the groups whose
// configuration did not change, with their connections and their health state.
type upstreamGroups struct {
	metrics *upstream.Metrics
	log     *logger
	inUse   []configuredGroup
}

// configuredGroup is a group and the configuration that it was created with.
type configuredGroup struct {
	config upstream.Config
	group  *upstream.Group
}

// groupsUpdate collects the groups of a new configuration, until it is committed
// or rolled back.
type groupsUpdate struct {
	*upstreamGroups
	next []configuredGroup
}

func (g *upstreamGroups) begin() *groupsUpdate { return &groupsUpdate{upstreamGroups: g} }

// group returns the group for a configuration: the one in use, or a new one.
func (u *groupsUpdate) group(c upstream.Config) (*upstream.Group, error) {
	for _, existing := range u.inUse {
		if reflect.DeepEqual(existing.config, c) {
			u.next = append(u.next, existing)
			return existing.group, nil
		}
	}
	group, err := upstream.New(c, u.metrics, u.log.Logger)
	if err != nil {
		return nil, err
	}
	u.next = append(u.next, configuredGroup{c, group})
	return group, nil
}

// commit puts the new groups into use and closes those that are no longer used.
// Requests in flight to a closed group are completed.
func (u *groupsUpdate) commit() {
	closeMissing(u.inUse, u.next)
	u.inUse = u.next
}

// rollback closes the groups that were created for the update.
func (u *groupsUpdate) rollback() { closeMissing(u.next, u.inUse) }

// closeMissing closes the groups of list that are not in kept.
func closeMissing(list, kept []configuredGroup) {
	for _, c := range list {
		if !slices.ContainsFunc(kept, func(k configuredGroup) bool { return k.group == c.group }) {
			c.group.Close()
		}
	}
}
