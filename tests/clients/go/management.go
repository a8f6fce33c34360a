// What there is beyond a token's own life, for those who manage many: who uses the old value, finding tokens, changing many at once,
// campaigns, webhooks, and keys of another system.
package main

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"git.sr.ht/~emersion/gqlclient"
)

// of is the pointer that an optional field takes.
func of[T any](value T) *T { return &value }

func in(later time.Duration) DateTime {
	return DateTime(time.Now().Add(later).UTC().Format(time.RFC3339Nano))
}

// create makes a token, and tells its id and its value.
func create(client *gqlclient.Client, input CreateAPITokenInput) (id, value string) {
	created, err := CreateAPIToken(client, ctx, input)
	fail("create "+input.Name, err)
	return created.Token.Id, *created.Token.Value
}

// verdict is what the protected API is told about a value.
func verdict(admin *gqlclient.Client, value string) VerificationCode {
	verified, err := VerifyAPITokens(admin, ctx, []VerifyAPITokenInput{{Value: value}})
	fail("verify", err)
	return verified[0].Code
}

func manage(admin *gqlclient.Client, url string) {
	retireInUse(admin, url)
	findTokens(admin)
	changeMany(admin)
	orderCampaign(admin)
	manageWebhook(admin)
	importKey(admin, url)
}

func retireInUse(admin *gqlclient.Client, url string) {
	id, first := create(admin, CreateAPITokenInput{
		Name:           "orders",
		OverlapMinutes: of[int32](60),
		OverlapEnds:    of(OverlapEndWhenSilent),
		SilentMinutes:  of[int32](2),
	})
	rotated, err := RotateAPIToken(connect(url, first), ctx, &RotateAPITokenInput{BrownOut: of(true)})
	fail("rotate", err)
	check(verdict(admin, *rotated.Token.Value) == VerificationCodeValid, "a new value that works")
	verified, err := VerifyAPITokens(admin, ctx, []VerifyAPITokenInput{{Value: first, Address: of("203.0.113.7")}})
	fail("verify", err)
	check(verified[0].Valid && *verified[0].Generation == 1 && verified[0].RetiresAt != nil, "an old value that works")

	token, err := ReadAPIToken(admin, ctx, id)
	fail("read", err)
	check(token.OverlapEnds == OverlapEndWhenSilent && token.SilentMinutes == 2, "the settings of the overlap")
	for _, value := range token.Values {
		if value.ReplacedAt == nil {
			continue
		}
		check(value.LastUsedAt != nil && *value.UseCount >= 1 && value.BrownOutsStartAt != nil, "the use of the old value")
		check(*value.Users[0].Address == "203.0.113.0/24" && *value.OtherUserCount == 0, "the user of the old value")
	}
	rehearsal, err := RehearseRetirement(admin, ctx, id, nil)
	fail("rehearse", err)
	check(rehearsal.Code == VerificationCodeValueRetired && rehearsal.NeedsForce && rehearsal.SilentAt != nil, "a rehearsal")

	_, err = EndOverlap(admin, ctx, EndAPITokenOverlapInput{Id: id})
	check(refused(err).Code == string(ErrorCodeStillInUse), "a refusal to cut off the users")
	_, err = EndOverlap(admin, ctx, EndAPITokenOverlapInput{Id: id, Force: of(true)})
	fail("end the overlap", err)
	check(verdict(admin, first) == VerificationCodeValueRetired, "a retired value")
	suspended, err := SuspendAPIToken(admin, ctx, SuspendAPITokenInput{Id: id, Reason: of("not paid")})
	fail("suspend", err)
	check(suspended.Token.Status == APITokenStatusSuspended, "a suspended token")
	resumed, err := ResumeAPIToken(admin, ctx, ResumeAPITokenInput{Id: id})
	fail("resume", err)
	check(resumed.Token.Status == APITokenStatusActive && resumed.Token.SuspendedAt == nil, "a resumed token")
	ok("retire a value in use, by force only; suspend and resume")

	events, err := AuditEvents(admin, ctx, &AuditEventFilter{TokenId: id}, nil, nil, of[int32](1), nil)
	fail("read the audit log", err)
	check(events.Nodes[0].Action == AuditActionApiTokenCreated && events.PageInfo.HasPreviousPage, "the oldest event")
	before := events.PageInfo.StartCursor
	events, err = AuditEvents(admin, ctx, &AuditEventFilter{TokenId: id}, nil, nil, of[int32](200), before)
	fail("read the audit log backwards", err)
	newest := events.Nodes[:2]
	check(newest[0].Action == AuditActionApiTokenResumed && *newest[1].Reason == "not paid", "the newest events")
	ok("read the audit log backwards")
}

var (
	metadata = []MetadataEntryInput{{Key: "client", Value: name}}
	filter   = APITokenFilter{Metadata: metadata}
)

func findTokens(admin *gqlclient.Client) {
	create(admin, CreateAPITokenInput{Name: "lemon", Metadata: metadata, ExpiresAt: of(in(48 * time.Hour))})
	create(admin, CreateAPITokenInput{Name: "apple", Metadata: metadata, NotBefore: of(in(24 * time.Hour))})
	status := []APITokenStatus{APITokenStatusActive, APITokenStatusNotYetValid}
	all := APITokenFilter{Metadata: metadata, Status: status, OverlapRunning: of(false)}
	order := APITokenOrder{Field: APITokenOrderFieldName, Direction: OrderDirectionAsc}
	found, err := FindAPITokens(admin, ctx, &all, &order, nil, nil, nil, nil)
	fail("find", err)
	check(len(found.Nodes) == 2 && found.Nodes[0].Name == "apple" && found.Nodes[1].Name == "lemon", "both, by name")
	all.ExpiresBefore = of(in(72 * time.Hour))
	found, err = FindAPITokens(admin, ctx, &all, nil, nil, nil, of[int32](1), nil)
	fail("find what expires", err)
	check(len(found.Nodes) == 1 && found.Nodes[0].Name == "lemon" && !found.PageInfo.HasPreviousPage, "the one that expires")
	counts, err := CountAPITokens(admin, ctx, of[int32](0))
	fail("count", err)
	check(counts.Total >= 2 && len(counts.ByOwner) == 0 && len(counts.ByStatus) == 6, "counts")
	ok("find and count tokens")
}

func changeMany(admin *gqlclient.Client) {
	active := APITokenFilter{Metadata: metadata, Status: []APITokenStatus{APITokenStatusActive}}
	for _, dryRun := range []bool{true, false} {
		page, err := RotateAPITokens(admin, ctx, RotateAPITokensInput{Filter: active, DryRun: dryRun})
		fail("rotate many", err)
		check(len(page.Rotations) == 1 && page.Rotations[0].Refusal == nil, "a rotation of one")
		check((page.Rotations[0].Token.Value == nil) == dryRun, "a value, but not of a dry run")
	}
	ok("rotate by a filter")
}

func orderCampaign(admin *gqlclient.Client) {
	created, err := CreateRotationCampaign(admin, ctx, CreateRotationCampaignInput{
		Filter:     filter,
		Deadline:   in(time.Hour),
		AtDeadline: RotationCampaignDeadlineActionRevoke,
		Reason:     "a drill",
	})
	fail("create a campaign", err)
	campaign, err := ReadRotationCampaign(admin, ctx, created.Campaign.Id)
	fail("read a campaign", err)
	check(campaign.Reason == "a drill" && campaign.Name == nil && campaign.Progress != nil, "the campaign")
	_, err = CancelRotationCampaign(admin, ctx, CancelRotationCampaignInput{Id: campaign.Id})
	fail("cancel a campaign", err)
	campaign, err = ReadRotationCampaign(admin, ctx, campaign.Id)
	fail("read a campaign", err)
	check(campaign.Cancelled, "a cancelled campaign")
	page, err := RotationCampaigns(admin, ctx, of[int32](1), nil)
	fail("list campaigns", err)
	check(len(page.Edges) == 1, "a page of one campaign")
	_, err = RotationCampaignTokens(admin, ctx, campaign.Id, []RotationCampaignTokenState{RotationCampaignTokenStateWaiting})
	fail("list the tokens of a campaign", err)
	ok("create and cancel a campaign")

	gone := APITokenFilter{Metadata: metadata, Status: []APITokenStatus{APITokenStatusActive, APITokenStatusNotYetValid}}
	page2, err := RevokeAPITokens(admin, ctx, RevokeAPITokensInput{Filter: gone, Reason: of("the drill is over")})
	fail("revoke many", err)
	check(len(page2.Revocations) == 2 && page2.Revocations[1].Token.Status == APITokenStatusRevoked, "two revocations")
	ok("revoke by a filter")
}

func manageWebhook(admin *gqlclient.Client) {
	created, err := CreateWebhook(admin, ctx, CreateWebhookInput{
		Url:   "https://hooks.example.com/rotakey",
		Kinds: []NoticeKind{NoticeKindRevoked},
	})
	fail("create a webhook", err)
	id := created.Webhook.Id
	rotated, err := RotateWebhookSecret(admin, ctx, RotateWebhookSecretInput{Id: id, OverlapMinutes: of[int32](60)})
	fail("rotate the secret of a webhook", err)
	check(rotated.Secret != created.Secret && rotated.Webhook.PreviousSecretUntil != nil, "another secret")
	updated, err := UpdateWebhook(admin, ctx, UpdateWebhookInput{Id: id, Owners: []string{"acme"}, Description: of("the pager")})
	fail("update a webhook", err)
	check(*updated.Webhook.Description == "the pager", "the description of a webhook")
	deliveries, err := WebhookDeliveries(admin, ctx, id, nil, nil)
	fail("list the deliveries of a webhook", err)
	check(len(deliveries.Nodes) == 0, "no deliveries")
	deleted, err := DeleteWebhook(admin, ctx, DeleteWebhookInput{Id: id})
	fail("delete a webhook", err)
	check(deleted.DeletedId == id, "the id of what is deleted")
	_, err = ReadWebhook(admin, ctx, id)
	check(refused(err).Code == string(ErrorCodeNotFound), "no webhook")
	ok("create, change and delete a webhook")
}

func importKey(admin *gqlclient.Client, url string) {
	random := make([]byte, 12)
	_, err := rand.Read(random)
	fail("draw a key", err)
	key := fmt.Sprintf("sk_live_%x", random)
	hash := sha256.Sum256([]byte(key))
	input := ImportAPITokensInput{Tokens: []ImportAPITokenInput{{
		Name:   "billing",
		Sha256: of(hex.EncodeToString(hash[:])),
		Format: of("legacy"),
	}}}
	for _, isNew := range []bool{true, false} {
		imported, err := ImportAPITokens(admin, ctx, input)
		fail("import", err)
		check(len(imported.Imports) == 1 && imported.Imports[0].IsNew == isNew, "one import")
	}
	rotated, err := rotateWithoutInput(connect(url, key))
	fail("rotate what was imported", err)
	check(rotated.Generation == 2 && verdict(admin, *rotated.Value) == VerificationCodeValid, "a value of Rotakey")
	ok("import a key of another system, and rotate it")
}
