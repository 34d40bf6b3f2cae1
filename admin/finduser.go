package admin

import (
	"errors"
	"net/http"
	"net/url"
	"slices"

	"wxgate/apierror"
	"wxgate/session"
)

// findUsers answers GET /api/users?phone=… (or openid, user_id, unionid) with the users
// that this is true of: of one app with &appid=…, else of all that the token may be
// used for.
func (s *Server) findUsers(w http.ResponseWriter, r *http.Request) error {
	query, appid, err := userQuery(r.URL.Query())
	if err != nil {
		return err
	}
	appids, err := s.searchedApps(r, appid)
	if err != nil {
		return err
	}
	users := []userAnswer{}
	for _, appid := range appids {
		found, err := s.search(r, appid, query)
		if err != nil {
			return err
		}
		users = append(users, found...)
	}
	writeJSON(w, http.StatusOK, map[string]any{"users": users})
	return nil
}

// userSearch is what users are looked for by; one field is set.
type userSearch struct {
	openid string
	fact   session.Query
}

// userQuery takes one fact, once.
func userQuery(q url.Values) (query userSearch, appid string, err error) {
	query = userSearch{q.Get("openid"), session.Query{Phone: q.Get("phone"), UserID: q.Get("user_id"), UnionID: q.Get("unionid")}}
	given := 0
	for name, values := range q {
		switch {
		case !slices.Contains([]string{"openid", "phone", "user_id", "unionid", "appid"}, name) || len(values) != 1 || values[0] == "":
			given = -len(q)
		case name != "appid":
			given++
		}
	}
	if given != 1 {
		return query, "", apierror.New(apierror.BadRequest, "users are found by one of openid, phone, user_id and unionid, and appid")
	}
	return query, q.Get("appid"), nil
}

func (s *Server) searchedApps(r *http.Request, appid string) ([]string, error) {
	token := tokenOf(r)
	if appid != "" {
		if !token.mayUse(appid) {
			s.logAuthFailure(r, "app", token.Name)
			return nil, apierror.New(apierror.Forbidden, "this token is not for this app")
		}
		return []string{appid}, s.checkApp(appid)
	}
	var appids []string
	for id := range s.config().Relay {
		if token.mayUse(id) {
			appids = append(appids, id)
		}
	}
	slices.Sort(appids)
	return appids, nil
}

func (s *Server) search(r *http.Request, appid string, query userSearch) ([]userAnswer, error) {
	if query.openid == "" {
		return s.usersOf(r, appid, query.fact)
	}
	u, err := s.Sessions.User(r.Context(), appid, query.openid)
	if errors.Is(err, session.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []userAnswer{newUserAnswer(u)}, nil
}

func (s *Server) usersOf(r *http.Request, appid string, query session.Query) ([]userAnswer, error) {
	found, err := s.Sessions.FindUsers(r.Context(), appid, query)
	if err != nil {
		return nil, err
	}
	var answers []userAnswer
	for _, u := range found {
		u, err := s.Sessions.User(r.Context(), u.AppID, u.OpenID) // with the sessions
		if errors.Is(err, session.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		answers = append(answers, newUserAnswer(u))
	}
	return answers, nil
}
