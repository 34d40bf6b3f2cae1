package wechat_test

import (
	"encoding/json"
	"os"
	"testing"

	"wxgate/secret"
)

// vectors are test vectors that WeChat publishes.
type vectors struct {
	OpenData struct {
		AppID         string      `json:"appid"`
		SessionKey    secret.Text `json:"session_key"`
		EncryptedData string      `json:"encrypted_data"`
		IV            string      `json:"iv"`
		Plain         string      `json:"plain"`
		Timestamp     int64       `json:"timestamp"`
	} `json:"open_data"`
	RawData struct {
		RawData    string      `json:"raw_data"`
		SessionKey secret.Text `json:"session_key"`
		Signature  string      `json:"signature"`
	} `json:"raw_data"`
	HMAC             []signedMessage `json:"hmac"`
	HMACOfDecodedKey []signedMessage `json:"hmac_of_decoded_key"` // made with the decoded key, a common mistake
}

type signedMessage struct {
	SessionKey secret.Text `json:"session_key"`
	Message    string      `json:"message"`
	Signature  string      `json:"signature"`
}

func readVectors(t testing.TB) (v vectors) {
	t.Helper()
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}
