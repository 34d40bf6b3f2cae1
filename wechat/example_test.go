package wechat_test

import (
	"context"
	"errors"
	"fmt"

	"wxgate/wechat"
	"wxgate/wechat/wechattest"
)

// A user logs in and shares a phone number.
func Example() {
	sim := wechattest.New(wechattest.Options{Apps: []wechattest.App{{ID: "wx1", Secret: "s1"}}})
	base, stop, err := sim.Start()
	if err != nil {
		panic(err)
	}
	defer stop()
	alice, err := sim.User("wx1", "alice")
	if err != nil {
		panic(err)
	}

	client, err := wechat.New(wechat.Options{}, wechat.Config{Base: base, Apps: []wechat.App{{ID: "wx1", Secret: "s1"}}})
	if err != nil {
		panic(err)
	}

	ctx, code := context.Background(), alice.Code()
	login, err := client.Login(ctx, "wx1", code)
	fmt.Println(login.OpenID == alice.OpenID, login.SessionKey, err)

	phone, err := client.Phone(ctx, "wx1", login.OpenID, alice.PhoneCode())
	fmt.Println(phone.Number == alice.Phone(), phone.CountryCode, err)

	_, err = client.Login(ctx, "wx1", code)
	fmt.Println(errors.Is(err, wechat.ErrInvalidCode))
	// Output:
	// true [redacted] <nil>
	// true 86 <nil>
	// true
}
