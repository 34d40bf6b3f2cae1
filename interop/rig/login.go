package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// Login logs a user of the simulated WeChat in and returns the token and the openid.
func (g *Gateway) Login(ctx context.Context, client *http.Client, user string) (token, openid string, err error) {
	return g.LoginAt(ctx, client, g.URL(""), user)
}

// LoginAt is Login at another base URL, such as that of a load balancer in front of the
// gateway.
func (g *Gateway) LoginAt(ctx context.Context, client *http.Client, base, user string) (token, openid string, err error) {
	code, err := post(ctx, client, g.sim+"/sim/code", map[string]string{"user": user})
	if err != nil {
		return "", "", err
	}
	login, err := post(ctx, client, base+"/auth/login", code)
	if err != nil {
		return "", "", err
	}
	token, _ = login["token"].(string)
	openid, err = g.openid(ctx, client, user)
	return token, openid, err
}

// openid looks the user up in the simulator's list.
func (g *Gateway) openid(ctx context.Context, client *http.Client, user string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.sim+"/sim/users", nil)
	if err != nil {
		return "", err
	}
	var users []struct {
		User   string `json:"user"`
		OpenID string `json:"openid"`
	}
	if err := fetchJSON(client, req, &users); err != nil {
		return "", err
	}
	for _, u := range users {
		if u.User == user {
			return u.OpenID, nil
		}
	}
	return "", fmt.Errorf("the simulator has no user %s", user)
}

func post(ctx context.Context, client *http.Client, url string, body any) (map[string]any, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	var fields map[string]any
	return fields, fetchJSON(client, req, &fields)
}

// fetchJSON sends a request and decodes the JSON of the response, which must be a 200.
func fetchJSON(client *http.Client, req *http.Request, into any) error {
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s", req.Method, req.URL.Path, res.Status)
	}
	return json.NewDecoder(res.Body).Decode(into)
}
