package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"wxgate/cmd/wxgate/playground"
	"wxgate/session"
	"wxgate/wechat/wechattest"
)

// devFaults injects the faults that the playground's switches name, and ends them.
type devFaults struct {
	sim      *wechattest.Server
	backend  *loopbackServer
	sessions *session.Store
	recorder *playground.Recorder
	private  string // URL of the private listener
}

// setters returns the function that switches each fault on and off.
func (d *devFaults) setters() map[string]playground.SetFault {
	return map[string]playground.SetFault{
		"redis":   d.setRedisDown,
		"backend": d.setBackendDown,
		"wechat":  d.setWeChatBusy,
		"blocked": d.setUserBlocked,
		"banned":  d.setUserBanned,
	}
}

func (d *devFaults) setRedisDown(_ context.Context, on bool, _ playground.Cause) error {
	if on {
		return d.sessions.StopMemory()
	}
	return d.sessions.StartMemory()
}

func (d *devFaults) setBackendDown(_ context.Context, on bool, _ playground.Cause) error {
	if on {
		d.backend.stop()
		return nil
	}
	return d.backend.start()
}

// setWeChatBusy makes logins fail with WeChat's system error, -1.
func (d *devFaults) setWeChatBusy(_ context.Context, on bool, _ playground.Cause) error {
	if on {
		d.sim.AddFault(wechattest.Fault{API: "/sns/jscode2session", Errcode: -1})
		return nil
	}
	d.sim.ClearFaults()
	return nil
}

// setUserBlocked makes WeChat refuse the user's logins.
func (d *devFaults) setUserBlocked(_ context.Context, on bool, c playground.Cause) error {
	user, err := d.sim.User(devApp, c.User)
	if err != nil {
		return err
	}
	user.Block(on)
	return nil
}

// adminTimeout bounds a call to the private listener.
const adminTimeout = 5 * time.Second

// setUserBanned bans the user, or lifts the ban, by the private listener's API.
func (d *devFaults) setUserBanned(ctx context.Context, on bool, c playground.Cause) error {
	user, err := d.sim.User(devApp, c.User)
	if err != nil {
		return err
	}
	call := playground.AdminCall{
		RequestID: c.RequestID, Method: http.MethodDelete,
		Path: "/api/users/" + devApp + "/" + user.OpenID + "/ban", AppID: devApp, OpenID: user.OpenID,
	}
	if on {
		call.Method, call.Body = http.MethodPut, `{"reason":"banned in the playground"}`
	}
	if call.Status, call.Response, err = d.callAdmin(ctx, call); err != nil {
		return err
	}
	d.recorder.Admin(call)
	if call.Status >= 400 {
		return fmt.Errorf("the private listener returned status %d", call.Status)
	}
	return nil
}

func (d *devFaults) callAdmin(ctx context.Context, c playground.AdminCall) (status int, body string, err error) {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, c.Method, d.private+c.Path, bytes.NewReader([]byte(c.Body)))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Authorization", "Bearer "+devToken)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	return res.StatusCode, string(text), err
}
