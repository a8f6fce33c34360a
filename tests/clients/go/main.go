// The operations by gqlclient, whose generator makes rotakey.go from the schema and the operations: from a new token to its
// revocation, with a client for each value. Values are compared and never printed.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"

	"git.sr.ht/~emersion/gqlclient"
)

const (
	name   = "gqlclient"
	expiry = DateTime("2100-01-01T00:00:00.000Z")
)

var ctx = context.Background()

// docs:begin connect
// Bearer is an http.RoundTripper that sends a value with every request.
type Bearer string

func (value Bearer) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.Header.Set("Authorization", "Bearer "+string(value))
	return http.DefaultTransport.RoundTrip(request)
}

func connect(url, value string) *gqlclient.Client {
	return gqlclient.New(url+"/graphql", &http.Client{Transport: Bearer(value)})
}

// docs:end

// docs:begin errors
// Refusal is an error of the server, for programs.
type Refusal struct {
	Code              string
	RetryAfterSeconds int
}

func refusalOf(err error) (refusal Refusal, ok bool) {
	var failure *gqlclient.Error
	ok = errors.As(err, &failure) && json.Unmarshal(failure.Extensions, &refusal) == nil
	return refusal, ok
}

// docs:end

// refused ends the program unless the server refused.
func refused(err error) Refusal {
	refusal, ok := refusalOf(err)
	check(ok, fmt.Sprintf("a refusal, not: %v", err))
	return refusal
}

func rotate(client *gqlclient.Client, key string) (*APIToken, error) {
	// docs:begin rotate
	rotated, err := RotateAPIToken(client, ctx, &RotateAPITokenInput{IdempotencyKey: &key})
	if err != nil {
		return nil, err
	}
	token := rotated.Token
	// docs:end
	return token, nil
}

// rotateWithoutInput lets the caller rotate itself.
func rotateWithoutInput(client *gqlclient.Client) (*APIToken, error) {
	rotated, err := RotateAPIToken(client, ctx, nil)
	if err != nil {
		return nil, err
	}
	return rotated.Token, nil
}

func main() {
	url := os.Getenv("ROTAKEY_URL")
	admin := connect(url, os.Getenv("ROTAKEY_ADMIN"))

	expiresAt := expiry
	created, err := CreateAPIToken(admin, ctx, CreateAPITokenInput{Name: name, ExpiresAt: &expiresAt})
	fail("create", err)
	id, first := created.Token.Id, *created.Token.Value
	ok("create")

	listed := find(admin, id)
	check(listed != nil && listed.Name == name && listed.Status == APITokenStatusActive, "the listed token")
	check(listed.ExpiresAt != nil && *listed.ExpiresAt == expiry, "the expiry of the listed token")
	ok("list")

	second, err := rotateWithoutInput(connect(url, first))
	fail("rotate", err)
	check(second.Generation == 2 && *second.Value != first, "a second value")
	ok("rotate")

	previous := connect(url, *second.Value)
	current, err := CurrentAPIToken(previous, ctx)
	fail("use", err)
	check(current.Id == id && current.Status == APITokenStatusActive && current.Generation == 2, "the second value works")
	ok("use")

	key := id + "-3"
	lost, err := rotate(previous, key)
	fail("rotate", err)
	_, err = rotateWithoutInput(previous)
	conflict := refused(err)
	check(conflict.Code == "ROTATION_CONFLICT", conflict.Code)
	check(conflict.RetryAfterSeconds >= 1 && conflict.RetryAfterSeconds <= 10, "1 to 10 seconds to wait")
	ok("lost answer: without its key, to be asked for again later")

	recovered, err := rotate(previous, key)
	fail("recover", err)
	check(recovered.Generation == 3 && *recovered.Value == *lost.Value, "the same value again")
	ok("recover: the same key gives the same value")

	last := connect(url, *recovered.Value)
	current, err = CurrentAPIToken(last, ctx)
	fail("use", err)
	check(current.Generation == 3, "the third generation")
	_, err = rotateWithoutInput(previous)
	check(refused(err).Code == "VALUE_SUPERSEDED", "the previous value cannot rotate")
	ok("use the recovered value, after which the previous one cannot rotate")

	revoked, err := RevokeAPIToken(last, ctx, RevokeAPITokenInput{Id: id})
	fail("revoke", err)
	check(revoked.Token.Status == APITokenStatusRevoked && revoked.Token.RevokedAt != nil, "the token is revoked")
	_, err = CurrentAPIToken(last, ctx)
	check(refused(err).Code == "TOKEN_REVOKED", "the last value is refused")
	ok("revoke")

	manage(admin, url)
}

// find looks for a token among those that work, page by page.
func find(admin *gqlclient.Client, id string) *APIToken {
	filter := APITokenFilter{Status: []APITokenStatus{APITokenStatusActive}}
	first := int32(2)
	var after *string
	for {
		page, err := APITokens(admin, ctx, &filter, &first, after)
		fail("list", err)
		for _, edge := range page.Edges {
			if edge.Node.Id == id {
				return edge.Node
			}
		}
		if !page.PageInfo.HasNextPage {
			return nil
		}
		after = page.PageInfo.EndCursor
	}
}

func ok(step string) {
	fmt.Printf("ok %s: %s\n", name, step)
}

// fail ends the program if there is an error.
func fail(doing string, err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "FAIL %s: %s: %v\n", name, doing, err)
		os.Exit(1)
	}
}

func check(good bool, what string) {
	if !good {
		fail("expected", errors.New(what))
	}
}
