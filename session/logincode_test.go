package session

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"wxgate/internal/testkit"
	"wxgate/internal/testkit/redistest"
)

const idempotencyKey = "0123456789abcdef"

func respondAfterPause(text string, calls *atomic.Int32) func(context.Context) ([]byte, error) {
	return func(context.Context) ([]byte, error) {
		calls.Add(1)
		time.Sleep(50 * time.Millisecond) // so that others come meanwhile
		return []byte(text), nil
	}
}

// LG-01: one call to WeChat, and one answer for all who may have it.
func TestCodeIsUsedOnceOverAllInstances(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	stores := []*Store{openStore(t, server, nil), openStore(t, server, nil)}
	var calls, refused atomic.Int32
	var logins sync.WaitGroup
	for i := range 20 {
		logins.Go(func() {
			got, err := stores[i%2].UseCodeOnce(t.Context(), CodeUse{AppID: appid, Code: "code", IdempotencyKey: idempotencyKey}, respondAfterPause("token", &calls))
			if err != nil || string(got) != "token" {
				t.Errorf("%q, %v", got, err)
			}
		})
		logins.Go(func() {
			_, err := stores[i%2].UseCodeOnce(t.Context(), CodeUse{AppID: appid, Code: "code without a key", IdempotencyKey: ""}, respondAfterPause("token", &calls))
			if errors.Is(err, ErrCodeUsed) {
				refused.Add(1)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	logins.Wait()
	if calls.Load() != 2 || refused.Load() != 19 {
		t.Errorf("%d calls for two codes, %d refused", calls.Load(), refused.Load())
	}
}

func TestResponseIsForTheSameCodeAndKeyOnly(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := openStore(t, server, nil)
	var calls atomic.Int32
	if _, err := s.UseCodeOnce(t.Context(), CodeUse{AppID: appid, Code: "code", IdempotencyKey: idempotencyKey}, respondAfterPause("the answer", &calls)); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"", "another key of 16", idempotencyKey + "x"} {
		if got, err := s.UseCodeOnce(t.Context(), CodeUse{AppID: appid, Code: "code", IdempotencyKey: key}, respondAfterPause("", &calls)); !errors.Is(err, ErrCodeUsed) {
			t.Errorf("key %q: %q, %v", key, got, err)
		}
	}
	if got, err := s.UseCodeOnce(t.Context(), CodeUse{AppID: appid, Code: "another", IdempotencyKey: idempotencyKey}, respondAfterPause("other", &calls)); string(got) != "other" || err != nil {
		t.Errorf("the same key with another code: %q, %v", got, err)
	}
	if got, err := s.UseCodeOnce(t.Context(), CodeUse{AppID: "wxother", Code: "code", IdempotencyKey: idempotencyKey}, respondAfterPause("third", &calls)); string(got) != "third" || err != nil {
		t.Errorf("the same code of another app: %q, %v", got, err)
	}
	for _, key := range strings.Fields(server.MustDo("KEYS", "test:?:*")) {
		if strings.Contains(key, "code") || strings.Contains(server.MustDo("GET", key), "answer") {
			t.Errorf("%s is readable: %s", key, server.MustDo("GET", key))
		}
	}
}

func TestResponseIsKeptSixtySecondsAndTheCodeLonger(t *testing.T) {
	t.Parallel()
	s := openStore(t, nil, nil)
	var calls atomic.Int32
	if _, err := s.UseCodeOnce(t.Context(), CodeUse{AppID: appid, Code: "code", IdempotencyKey: idempotencyKey}, respondAfterPause("answer", &calls)); err != nil {
		t.Fatal(err)
	}
	testkit.Within(t, time.Second, "the answer is kept", func() bool { return s.redis.memory.Exists(s.keys.response(hashOf("code", appid, "code"))) })
	s.redis.memory.FastForward(59 * time.Second)
	if _, err := s.UseCodeOnce(t.Context(), CodeUse{AppID: appid, Code: "code", IdempotencyKey: idempotencyKey}, respondAfterPause("answer", &calls)); err != nil {
		t.Error(err)
	}
	s.redis.memory.FastForward(2 * time.Second)
	if _, err := s.UseCodeOnce(t.Context(), CodeUse{AppID: appid, Code: "code", IdempotencyKey: idempotencyKey}, respondAfterPause("answer", &calls)); !errors.Is(err, ErrCodeUsed) {
		t.Error(err)
	}
	s.redis.memory.FastForward(4 * time.Minute)
	if _, err := s.UseCodeOnce(t.Context(), CodeUse{AppID: appid, Code: "code", IdempotencyKey: idempotencyKey}, respondAfterPause("answer", &calls)); err != nil || calls.Load() != 2 {
		t.Errorf("%v after %d calls", err, calls.Load())
	}
}

func TestFailureUsesTheCodeUpUnlessItMayBeTriedAgain(t *testing.T) {
	t.Parallel()
	s := openStore(t, redistest.Start(t), nil)
	failure := errors.New("no")
	fail := func(err error) func(context.Context) ([]byte, error) {
		return func(context.Context) ([]byte, error) { return nil, err }
	}
	if _, err := s.UseCodeOnce(t.Context(), CodeUse{AppID: appid, Code: "busy", IdempotencyKey: idempotencyKey}, fail(Retryable(failure))); err != failure {
		t.Errorf("%v is not what do said", err)
	}
	for range 2 {
		if _, err := s.UseCodeOnce(t.Context(), CodeUse{AppID: appid, Code: "busy", IdempotencyKey: idempotencyKey}, fail(failure)); err != failure {
			if !errors.Is(err, ErrCodeUsed) {
				t.Error(err)
			}
		}
	}
	if _, err := s.UseCodeOnce(t.Context(), CodeUse{AppID: appid, Code: "busy", IdempotencyKey: ""}, fail(nil)); !errors.Is(err, ErrCodeUsed) {
		t.Error(err)
	}
	if Retryable(nil) != nil {
		t.Error("nil became an error")
	}
}

// With pre-fetch, both it and the client get the same response, whichever is first, and
// nobody else does.
func TestPrefetchAndClientShareOneResponse(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	stores := []*Store{openStore(t, server, nil), openStore(t, server, nil)}
	const key = idempotencyKey
	prefetch := CodeUse{PrefetchOn: true, Prefetch: true}
	keyed, keyless := CodeUse{PrefetchOn: true, IdempotencyKey: key}, CodeUse{PrefetchOn: true}
	other := CodeUse{PrefetchOn: true, IdempotencyKey: "another key of 16"}
	off := CodeUse{IdempotencyKey: key}
	for name, c := range map[string]struct {
		uses []CodeUse
		used []int // which are refused
	}{
		"pre-fetch, repeated, then a keyed client, repeated": {[]CodeUse{prefetch, prefetch, keyed, keyed, prefetch}, nil},
		"pre-fetch, then a client without a key, twice":      {[]CodeUse{prefetch, keyless, keyless, prefetch}, []int{2}},
		"pre-fetch, then two clients":                        {[]CodeUse{prefetch, keyed, other, keyless, keyed}, []int{2, 3}},
		"a keyed client, then the pre-fetch":                 {[]CodeUse{keyed, prefetch, keyed, other, prefetch}, []int{3}},
		"a client without a key, then the pre-fetch":         {[]CodeUse{keyless, prefetch, keyless, keyed, prefetch}, []int{2, 3}},
		"pre-fetch is off for the second":                    {[]CodeUse{prefetch, off}, []int{1}},
		"no pre-fetch comes":                                 {[]CodeUse{keyless, keyless, keyed}, []int{1, 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int32
			for i, use := range c.uses {
				use.AppID, use.Code = appid, name
				got, err := stores[i%2].UseCodeOnce(t.Context(), use, respondAfterPause("token", &calls))
				if slices.Contains(c.used, i) {
					if !errors.Is(err, ErrCodeUsed) {
						t.Errorf("use %d: %q, %v", i, got, err)
					}
				} else if err != nil || string(got) != "token" {
					t.Errorf("use %d: %q, %v", i, got, err)
				}
			}
			if calls.Load() != 1 {
				t.Errorf("%d calls", calls.Load())
			}
		})
	}
}

// Both at once: one call, and the later one waits for its response. Both get its
// error.
func TestPrefetchAndClientAtOnceMakeOneCall(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	stores := []*Store{openStore(t, server, nil), openStore(t, server, nil)}
	var calls atomic.Int32
	var uses sync.WaitGroup
	for i := range 6 {
		uses.Go(func() {
			use := CodeUse{AppID: appid, Code: "code", PrefetchOn: true, Prefetch: i%2 == 0, IdempotencyKey: idempotencyKey}
			if got, err := stores[i%2].UseCodeOnce(t.Context(), use, respondAfterPause("token", &calls)); err != nil || string(got) != "token" {
				t.Errorf("use %d: %q, %v", i, got, err)
			}
		})
	}
	uses.Wait()
	if calls.Load() != 1 {
		t.Errorf("%d calls", calls.Load())
	}
	no := errors.New("no")
	for i, use := range []CodeUse{{PrefetchOn: true}, {PrefetchOn: true, Prefetch: true}} {
		use.AppID, use.Code = appid, "refused"
		_, err := stores[0].UseCodeOnce(t.Context(), use, func(context.Context) ([]byte, error) { return nil, no })
		if want := []error{no, ErrCodeUsed}[i]; !errors.Is(err, want) {
			t.Errorf("use %d of a refused code: %v", i, err)
		}
	}
}

// The client that lost its patience comes back for the answer.
func TestClientThatDisconnectedFindsItsResponse(t *testing.T) {
	t.Parallel()
	s := openStore(t, redistest.Start(t), nil)
	ctx, leave := context.WithCancel(t.Context())
	got, err := s.UseCodeOnce(ctx, CodeUse{AppID: appid, Code: "code", IdempotencyKey: idempotencyKey}, func(own context.Context) ([]byte, error) {
		leave()
		return []byte("answer"), own.Err()
	})
	if err != nil || string(got) != "answer" {
		t.Fatalf("%q, %v", got, err)
	}
	var calls atomic.Int32
	got, err = s.UseCodeOnce(t.Context(), CodeUse{AppID: appid, Code: "code", IdempotencyKey: idempotencyKey}, respondAfterPause("another", &calls))
	if err != nil || !bytes.Equal(got, []byte("answer")) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestWaitingEndsWithItsClient(t *testing.T) {
	t.Parallel()
	s := openStore(t, redistest.Start(t), nil)
	started, finish := make(chan struct{}), make(chan struct{})
	go func() {
		_, _ = s.UseCodeOnce(context.Background(), CodeUse{AppID: appid, Code: "code", IdempotencyKey: idempotencyKey}, func(context.Context) ([]byte, error) {
			close(started)
			<-finish
			return nil, nil
		})
	}()
	defer close(finish)
	<-started
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := s.UseCodeOnce(ctx, CodeUse{AppID: appid, Code: "code", IdempotencyKey: idempotencyKey}, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestWithoutRedisNoCodeIsUsed(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	s := openStore(t, server, nil)
	server.Stop()
	var calls atomic.Int32
	if _, err := s.UseCodeOnce(t.Context(), CodeUse{AppID: appid, Code: "code", IdempotencyKey: ""}, respondAfterPause("", &calls)); !errors.Is(err, ErrUnavailable) || calls.Load() != 0 {
		t.Errorf("%v after %d calls", err, calls.Load())
	}
}
