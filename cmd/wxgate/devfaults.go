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

// devFaults breaks for real what the switches of the page name, and mends it.
type devFaults struct {
	sim      *wechattest.Server
	backend  *loopbackServer
	sessions *session.Store
	recorder *playground.Recorder
	private  string // URL of the private listener
}

func (d *devFaults) set() map[string]playground.SetFault {
	return map[string]playground.SetFault{
		"redis":   d.redisAway,
		"backend": d.backendAway,
		"wechat":  d.wechatBusy,
		"blocked": d.block,
		"banned":  d.ban,
	}
}

func (d *devFaults) redisAway(_ context.Context, on bool, _ playground.Cause) error {
	if on {
		return d.sessions.StopMemory()
	}
	return d.sessions.StartMemory()
}

func (d *devFaults) backendAway(_ context.Context, on bool, _ playground.Cause) error {
	if on {
		d.backend.stop()
		return nil
	}
	return d.backend.start()
}

// wechatBusy lets logins fail as WeChat's system error does.
func (d *devFaults) wechatBusy(_ context.Context, on bool, _ playground.Cause) error {
	if on {
		d.sim.AddFault(wechattest.Fault{API: "/sns/jscode2session", Errcode: -1})
		return nil
	}
	d.sim.ClearFaults()
	return nil
}

// block has WeChat refuse the user's logins.
func (d *devFaults) block(_ context.Context, on bool, c playground.Cause) error {
	user, err := d.sim.User(devApp, c.User)
	if err != nil {
		return err
	}
	user.Block(on)
	return nil
}

// adminTimeout bounds a call of the private listener.
const adminTimeout = 5 * time.Second

// ban bans the user, or lifts his ban, by the call that an operator makes.
func (d *devFaults) ban(ctx context.Context, on bool, c playground.Cause) error {
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
	if call.Status, call.Answer, err = d.admin(ctx, call); err != nil {
		return err
	}
	d.recorder.Admin(call)
	if call.Status >= 400 {
		return fmt.Errorf("the private listener answered with status %d", call.Status)
	}
	return nil
}

func (d *devFaults) admin(ctx context.Context, c playground.AdminCall) (status int, answer string, err error) {
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
