package main

import (
	"net/http"

	"wxgate/cmd/wxgate/playground"
	"wxgate/wechat/wechattest"
)

// devServices are what the gateway of dev is connected to: the simulated WeChat and
// the sample backend. The recorder records the calls to both.
type devServices struct {
	recorder   *playground.Recorder
	sim        *wechattest.Server
	wechatBase string // URL of the simulator
	stopSim    func()
	backend    *loopbackServer
}

func startDevServices() (*devServices, error) {
	recorder := playground.NewRecorder()
	s := &devServices{recorder: recorder, sim: wechattest.New(wechattest.Options{
		Apps: []wechattest.App{{ID: devApp, Secret: devSecret}}, Control: true, OnCall: recorder.WeChat,
	})}
	var err error
	if s.wechatBase, s.stopSim, err = s.sim.Start(); err != nil {
		recorder.Close()
		return nil, err
	}
	if s.backend, err = startLoopbackServer(recorder.Backend(http.HandlerFunc(sampleBackend))); err != nil {
		s.stopSim()
		recorder.Close()
		return nil, err
	}
	return s, nil
}

func (s *devServices) stop() {
	s.backend.stop()
	s.stopSim()
	s.recorder.Close()
}
