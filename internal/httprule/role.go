package httprule

// Limits of the roles in a login hook's response. A configuration that requires
// a role beyond them requires one that no user can have.
const (
	MaxRoles     = 64
	MaxRoleBytes = 64
)

// ValidRole accepts a role that a login hook can return: printable UTF-8 of 1
// to MaxRoleBytes bytes.
func ValidRole(role string) bool {
	return role != "" && len(role) <= MaxRoleBytes && Printable(role)
}
