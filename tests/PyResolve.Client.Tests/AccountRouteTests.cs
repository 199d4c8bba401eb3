using PyResolve.Client.Wire;

namespace PyResolve.Client.Tests;

/// <summary>The routes of an account and its keys: what is sent, with which credential, and how often.</summary>
public sealed class AccountRouteTests
{
    private const string Session = "pyr_sess_0123456789";
    private static readonly Guid Id = Guid.Parse("00000000-0000-0000-0000-00000000000a");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Session_routes_are_called_with_the_session_and_once()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On("PATCH /me", Answer.Json(
            200, """{"user":{"id":"00000000-0000-0000-0000-000000000001","email":"ada@example.com","name":"Ada","plan":"free"}}"""));
        server.On("POST /auth/password", Answer.NoContent).On("DELETE /auth/account", Answer.ConnectionClosed);
        await using var client = server.Client();

        (await client.UpdateAccountAsync(new() { Name = "Ada" }, Session, Cancellation)).Name.ShouldBe("Ada");
        await client.ChangePasswordAsync(new() { CurrentPassword = "old", NewPassword = "new" }, Session, Cancellation);
        await Should.ThrowAsync<PyResolveException>(client.DeleteAccountAsync(new() { Password = "new" }, Session, Cancellation));

        server.Requests.ShouldAllBe(
            request => request.Header("Authorization") == "Bearer " + Session && request.Header("X-API-Key") == null);
        server.Requests.Select(request => request.Body).ShouldBe(
            ["""{"name":"Ada"}""", """{"current_password":"old","new_password":"new"}""", """{"password":"new"}"""]);
    }

    [Fact]
    public async Task Sessions_are_listed_and_ended_with_the_session()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On("GET /auth/sessions", Answer.Json(200, $$"""
            {"data":[{"id":"{{Id}}","created_at":"2026-11-24T00:00:00Z","last_seen_at":"2026-11-25T00:00:00Z","address":null,"user_agent":"x","current":true}]}
            """));
        server.On($"DELETE /auth/sessions/{Id}", Answer.NoContent);
        await using var client = server.Client();

        var session = (await client.ListSessionsAsync(Session, Cancellation)).Single();
        await client.EndSessionAsync(session.Id, Session, Cancellation);

        (session.Id, session.UserAgent, session.Address, session.Current).ShouldBe((Id, "x", null, true));
        server.Requests.ShouldAllBe(request => request.Header("Authorization") == "Bearer " + Session);
    }

    [Fact]
    public async Task Anonymous_routes_are_called_without_a_credential()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On("POST /auth/password/forgot", Accepted).On("POST /auth/password/reset", Answer.NoContent)
            .On("POST /auth/email/verify", Answer.NoContent);
        server.On("POST /auth/api-keys/report-leak", Accepted).On("GET /health", Answer.Json(200, """{"status":"healthy"}"""));
        server.On("GET /.well-known/jwks.json", Answer.Json(
            200, """{"keys":[{"kty":"EC","crv":"P-256","x":"x","y":"y","use":"sig","alg":"ES256","kid":"k"}]}"""));
        await using var client = server.Client();

        await client.RequestPasswordResetAsync("ada@example.com", Cancellation);
        await client.ResetPasswordAsync(new() { Token = "t", Password = "new" }, Cancellation);
        await client.VerifyEmailAsync("t", Cancellation);
        await client.VerifyEmailAsync(new VerifyEmailRequest { Token = "t", Password = "p" }, Cancellation);
        await client.ReportLeakedKeyAsync(ScriptedServer.Key, Cancellation);
        (await client.GetHealthAsync(Cancellation)).Status.ShouldBe("healthy");
        (await client.GetLeaseKeysAsync(Cancellation)).Keys.Single().Kid.ShouldBe("k");

        server.Requests.ShouldAllBe(request => request.Header("X-API-Key") == null && request.Header("Authorization") == null);
        server.Requests.Take(5).Select(request => request.Body).ShouldBe(
        [
            """{"email":"ada@example.com"}""",
            """{"token":"t","password":"new"}""",
            """{"token":"t"}""",
            """{"token":"t","password":"p"}""",
            $$"""{"api_key":"{{ScriptedServer.Key}}"}""",
        ]);
    }

    [Fact]
    public async Task A_failed_key_rotation_is_not_retried()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On($"POST /auth/api-keys/{Id}/rotate", Answer.Json(201, $$"""
            {"id":"{{Id}}","name":"ci","prefix":"pyr_live_0123456789a","scopes":["quota"],"expires_at":null,"api_key":"{{ScriptedServer.Key}}","previous_expires_at":"2026-11-24T00:00:00Z"}
            """), Answer.ConnectionClosed);
        await using var client = server.Client();

        var rotated = await client.RotateApiKeyAsync(Id, new() { GraceSeconds = 60 }, Session, Cancellation);
        await Should.ThrowAsync<PyResolveException>(client.RotateApiKeyAsync(Id, cancellationToken: Cancellation));

        rotated.ToString().ShouldNotContain(ScriptedServer.Key);
        server.Requests.Select(request => request.Body).ShouldBe(["""{"grace_seconds":60}""", "{}"]);
    }

    [Fact]
    public async Task Audit_entries_are_fetched_page_by_page_as_far_as_requested()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On("GET /audit", Page("first", "b/2"), Page("second", null));
        await using var client = server.Client();

        var first = await client.EnumerateAuditEntriesAsync(Session, Cancellation).FirstAsync(Cancellation);
        (first.Action, server.Requests.Count).ShouldBe(("first", 1));
        (await client.ListAuditEntriesAsync(Session, "b/2", Cancellation)).Data.Single().Action.ShouldBe("second");

        server.Requests[1].Query.ShouldBe("?cursor=b%2F2");
    }

    private static Answer Accepted { get; } = new(202, "", "");

    private static Answer Page(string action, string? cursor) => Answer.Json(200, $$"""
        {"data":[{"at":"2026-11-23T00:00:00Z","actor":"owner","action":"{{action}}","target":null,"address":null}],"next_cursor":{{(cursor is null ? "null" : $"\"{cursor}\"")}}}
        """);
}
