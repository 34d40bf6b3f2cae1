package proxy

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"wxgate/apierror"
	"wxgate/internal/httprule"
	"wxgate/session"
)

// maxOwnBody bounds what a client may send to the gateway's own endpoints.
const maxOwnBody = 64 << 10

// endpoint is one of the gateway's own calls. Its error becomes the answer.
type endpoint struct {
	method, path string
	serve        func(*exchange, *state) error
}

// endpoints builds the router of everything that the gateway answers itself.
func (g *Gateway) endpoints(st *state) *chi.Mux {
	list := []endpoint{
		{"POST", "/login", g.login},
		{"POST", "/refresh", g.refresh},
		{"POST", "/logout", g.logout},
		{"GET", "/session", g.showSession},
		{"POST", "/phone", g.bindPhone},
		{"PUT", "/profile", g.setProfile},
		{"GET", "/profile", g.showProfile},
		{"POST", "/check", g.check},
	}
	for i := range list {
		list[i].path = st.AuthPrefix + list[i].path
	}
	list = append(list, endpoint{"GET", httprule.JWKSPath, g.showKeys})

	mux := chi.NewRouter()
	for _, e := range list {
		mux.Method(e.method, e.path, ownHandler(e, st))
	}
	mux.NotFound(refuseWith(apierror.New(apierror.NoRoute, "the gateway has no such call")))
	mux.MethodNotAllowed(func(w http.ResponseWriter, r *http.Request) {
		f := apierror.New(apierror.MethodNotAllowed, "this method is not served here")
		f.Allow = allowedAt(list, r.URL.Path)
		w.(*exchange).fail(f)
	})
	return mux
}

// ownHandler fits an endpoint into chi. What chi hands it as ResponseWriter is
// the exchange.
func ownHandler(e endpoint, st *state) http.HandlerFunc {
	label := strings.TrimPrefix(e.path, "/")
	return func(w http.ResponseWriter, _ *http.Request) {
		x := w.(*exchange)
		x.label = label
		if err := e.serve(x, st); err != nil {
			x.refuse(err)
		}
	}
}

func refuseWith(f *apierror.Error) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.(*exchange).fail(f) }
}

func allowedAt(list []endpoint, path string) string {
	var methods []string
	for _, e := range list {
		if e.path == path {
			methods = append(methods, e.method)
		}
	}
	return strings.Join(methods, ", ")
}

// ownsPath reports whether the gateway answers at the path itself.
func (st *state) ownsPath(path string) bool {
	return httprule.PathWithin(path, st.AuthPrefix) || path == httprule.JWKSPath
}

// serveOwn answers at the gateway's own endpoints. Browsers of every origin
// that some route allows may call them.
func (g *Gateway) serveOwn(x *exchange, st *state) {
	if done := x.cors(st.origins, "GET, POST, PUT"); done {
		return
	}
	if x.r.ContentLength > maxOwnBody {
		x.fail(closing(apierror.New(apierror.BodyTooLarge, "the request body is too large")))
		return
	}
	body := newRequestBody(x, maxOwnBody, nil)
	defer body.shut()
	x.r.Body = body
	x.r.URL.RawPath = "" // chi would look at it: /auth/%6cogin is /auth/login
	st.endpoints.ServeHTTP(x, x.r)
}

// caller identifies who calls an endpoint of the gateway's own, which all ask
// for a token but login.
func (g *Gateway) caller(x *exchange) (*session.Session, error) {
	if err := g.identify(x); err != nil {
		return nil, err
	}
	return x.grant.Session, nil
}

// renewingCaller is caller for calls whose answer may bring a fresh token.
func (g *Gateway) renewingCaller(x *exchange) (*session.Session, error) {
	s, err := g.caller(x)
	if err == nil {
		err = g.renew(x)
	}
	return s, err
}

// callerProfile is renewingCaller with what is kept of the user.
func (g *Gateway) callerProfile(x *exchange) (*session.Session, session.User, error) {
	s, err := g.renewingCaller(x)
	if err != nil {
		return nil, session.User{}, err
	}
	user, err := g.Sessions.Profile(x.r.Context(), s)
	return s, user, err
}

// readJSON decodes the request's body, one JSON object, into v. Unknown fields
// are ignored: an SDK may be newer than the gateway.
func readJSON(x *exchange, v any) error {
	raw, err := io.ReadAll(x.r.Body)
	if err != nil {
		return bodyFault(err)
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return apierror.New(apierror.BadRequest, jsonProblem(err)).Because(err)
	}
	return nil
}

// readOptionalJSON is readJSON for calls whose body may be left out.
func readOptionalJSON(x *exchange, v any) error {
	if x.r.ContentLength == 0 {
		return nil
	}
	err := readJSON(x, v)
	if f := (*apierror.Error)(nil); errors.As(err, &f) && x.r.ContentLength < 0 && errors.Is(f.Cause, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}

// jsonProblem says what is wrong without repeating what was sent.
func jsonProblem(err error) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		return "the field " + wrong.Field + " has the wrong type"
	}
	return "the body must be one JSON object"
}

// writeJSON answers 200 with v; nothing the gateway says of a user may be cached.
func writeJSON(x *exchange, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	writeRawJSON(x, body)
	return nil
}

func writeRawJSON(x *exchange, body []byte) {
	h := x.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	x.WriteHeader(http.StatusOK)
	_, _ = x.Write(body)
}

// showKeys answers GET /.well-known/jwks.json.
func (g *Gateway) showKeys(x *exchange, _ *state) error {
	httprule.WriteJWKS(x, g.Sessions.JWKS())
	return nil
}

// seconds is how answers tell a time span.
func seconds(d time.Duration) int64 { return int64(d / time.Second) }
