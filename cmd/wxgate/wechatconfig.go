package main

import (
	"wxgate/internal/config"
	"wxgate/wechat"
)

func wechatConfig(c *config.Config) wechat.Config {
	out := wechat.Config{Base: c.WeChat.APIBase.String(), Timeout: c.WeChat.Timeout.Std()}
	for _, a := range c.Apps {
		out.Apps = append(out.Apps, wechat.App{ID: a.AppID, Secret: a.Secret, Security: apiSecurity(a.APISecurity)})
	}
	return out
}

func apiSecurity(c config.APISecurity) *wechat.APISecurity {
	if len(c.Paths) == 0 {
		return nil
	}
	out := &wechat.APISecurity{
		Paths: c.Paths, Algorithms: c.Algorithms, KeySN: c.KeySN, Key: c.Key, PrivateKey: c.PrivateKey,
	}
	for _, p := range c.PlatformCerts {
		out.PlatformCerts = append(out.PlatformCerts, wechat.PlatformCert{SN: p.SN, PEM: p.Cert})
	}
	return out
}
