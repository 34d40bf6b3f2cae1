package admin

import (
	"errors"
	"net/http"
	"net/url"
	"slices"

	"wxgate/apierror"
	"wxgate/session"
)

// findUsers handles GET /api/users?phone=… (or openid, user_id, unionid): it returns the
// matching users of one app with &appid=…, else of all apps that the token may be used
// for.
func (s *Server) findUsers(w http.ResponseWriter, r *http.Request) error {
	query, appid, err := parseUserQuery(r.URL.Query())
	if err != nil {
		return err
	}
	appids, err := s.searchedApps(r, appid)
	if err != nil {
		return err
	}
	users := []userResponse{}
	for _, appid := range appids {
		found, err := s.findUsersOfApp(r, appid, query)
		if err != nil {
			return err
		}
		users = append(users, found...)
	}
	writeJSON(w, http.StatusOK, map[string]any{"users": users})
	return nil
}

// userQuery is the criterion of a search; one of its fields is set.
type userQuery struct {
	openid  string
	indexed session.Query // by an index of the store
}

// parseUserQuery accepts exactly one parameter to find users by, and optionally appid.
func parseUserQuery(q url.Values) (query userQuery, appid string, err error) {
	query = userQuery{q.Get("openid"), session.Query{Phone: q.Get("phone"), UserID: q.Get("user_id"), UnionID: q.Get("unionid")}}
	criteria, valid := 0, true
	for name, values := range q {
		if len(values) != 1 || values[0] == "" {
			valid = false
		}
		switch name {
		case "openid", "phone", "user_id", "unionid":
			criteria++
		case "appid":
		default:
			valid = false
		}
	}
	if !valid || criteria != 1 {
		return query, "", apierror.New(apierror.BadRequest, "users are found by one of openid, phone, user_id and unionid, and optionally appid")
	}
	return query, q.Get("appid"), nil
}

// searchedApps returns the apps to search: the named one, or all that the token may be
// used for.
func (s *Server) searchedApps(r *http.Request, appid string) ([]string, error) {
	token := tokenFrom(r)
	if appid != "" {
		if !token.allowsApp(appid) {
			s.logAuthFailure(r, "app", token.Name)
			return nil, apierror.New(apierror.Forbidden, "this token is not for this app")
		}
		return []string{appid}, s.checkApp(appid)
	}
	var appids []string
	for id := range s.config().Relay {
		if token.allowsApp(id) {
			appids = append(appids, id)
		}
	}
	slices.Sort(appids)
	return appids, nil
}

func (s *Server) findUsersOfApp(r *http.Request, appid string, query userQuery) ([]userResponse, error) {
	if query.openid == "" {
		return s.findIndexedUsers(r, appid, query.indexed)
	}
	u, err := s.Sessions.User(r.Context(), appid, query.openid)
	if errors.Is(err, session.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []userResponse{newUserResponse(u)}, nil
}

// findIndexedUsers finds users by the store's indexes.
func (s *Server) findIndexedUsers(r *http.Request, appid string, query session.Query) ([]userResponse, error) {
	found, err := s.Sessions.FindUsers(r.Context(), appid, query)
	if err != nil {
		return nil, err
	}
	var users []userResponse
	for _, u := range found {
		u, err := s.Sessions.User(r.Context(), u.AppID, u.OpenID) // with the sessions
		if errors.Is(err, session.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		users = append(users, newUserResponse(u))
	}
	return users, nil
}
