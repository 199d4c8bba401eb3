namespace PyResolve.Testing.Tests.Conformance;

public sealed class KeyTests(SharedServers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, OnEveryServer]
    public async Task A_key_is_created_listed_and_revoked(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        var account = await subject.SignUpAsync();
        await using var client = subject.Client(account);

        var created = await client.CreateApiKeyAsync(
            new() { Name = " ci ", Scopes = [Scopes.UsageRead] }, account.SessionToken, Cancellation);
        await using var narrow = subject.ClientWithKey(created.ApiKey);
        (await narrow.GetUsageAsync(cancellationToken: Cancellation)).Migrations.ShouldBe(0);
        var keys = await client.ListApiKeysAsync(account.SessionToken, Cancellation);
        await client.RevokeApiKeyAsync(created.Id, account.SessionToken, Cancellation);
        await client.RevokeApiKeyAsync(created.Id, account.SessionToken, Cancellation);

        (created.Name, created.Prefix, created.ExpiresAt).ShouldBe(("ci", created.ApiKey[..20], null));
        keys.Select(key => key.Name).ShouldBe(["ci", "Default"]);
        (keys[0].Id, keys[0].RevokedAt, keys[1].Prefix).ShouldBe((created.Id, null, account.ApiKey[..20]));
        keys[0].Scopes.ShouldBe([Scopes.UsageRead]);
        keys[1].Scopes.ShouldBe(Scopes.Default);
        (await FailAsync(narrow.GetAccountAsync(Cancellation))).Message.ShouldBe(
            "Invalid or revoked API key. Run 'pyresolve login', or set PYRESOLVE_API_KEY.");
        (await FailAsync(client.RevokeApiKeyAsync(Guid.CreateVersion7(), account.SessionToken, Cancellation))).Code
            .ShouldBe(ProblemCodes.NotFound);
    }

    [Theory, OnEveryServer]
    public async Task A_keys_scopes_say_what_it_may_do(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        var account = await subject.SignUpAsync();
        await using var client = subject.Client(account);
        var created = await client.CreateApiKeyAsync(new() { Scopes = [Scopes.Keys] }, account.SessionToken, Cancellation);
        await using var narrow = subject.ClientWithKey(created.ApiKey);

        (await narrow.GetAccountAsync(Cancellation)).Email.ShouldBe(account.Email);
        (await narrow.GetQuotaAsync(Cancellation)).Plan.ShouldBe("free");
        foreach (var refused in (Task[])
                 [
                     narrow.Quota.AcquireAsync(new("pydantic"), Cancellation),
                     narrow.RecordUsageAsync(new() { EventType = "scan" }, Cancellation),
                     narrow.GetUsageAsync(cancellationToken: Cancellation), narrow.GetSubscriptionAsync(Cancellation),
                     client.ListApiKeysAsync(cancellationToken: Cancellation),
                     narrow.CreateApiKeyAsync(new() { Scopes = [Scopes.Quota] }, cancellationToken: Cancellation),
                     narrow.ExportUsageAsync(Stream.Null, cancellationToken: Cancellation),
                 ])
        {
            var exception = await FailAsync(refused);
            (exception.Status, exception.Code).ShouldBe((403, ProblemCodes.ScopeMissing));
        }
    }

    [Theory, OnEveryServer]
    public async Task A_key_makes_keys_within_its_own_scopes_expiry_and_limit(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        var account = await subject.SignUpAsync();
        await using var client = subject.Client(account);
        var end = subject.Clock.GetUtcNow().AddDays(1);
        var limited = new CreateApiKeyRequest { Scopes = [Scopes.Keys, Scopes.Quota], ExpiresAt = end, RequestsPerMinute = 50 };
        await using var asking = subject.ClientWithKey(
            (await client.CreateApiKeyAsync(limited, account.SessionToken, Cancellation)).ApiKey);

        var made = await asking.CreateApiKeyAsync(new(), cancellationToken: Cancellation);
        made.Scopes.ShouldBe([Scopes.Quota]);
        made.ExpiresAt.ShouldBe(end);
        (await FailAsync(asking.CreateApiKeyAsync(new() { ExpiresAt = end.AddDays(1) }, cancellationToken: Cancellation))).Code
            .ShouldBe(ProblemCodes.ScopeMissing);
        (await FailAsync(asking.CreateApiKeyAsync(new() { RequestsPerMinute = 51 }, cancellationToken: Cancellation))).Code
            .ShouldBe(ProblemCodes.ScopeMissing);
        (await FailAsync(asking.CreateApiKeyAsync(new() { ExpiresAt = end.AddDays(-2) }, cancellationToken: Cancellation))).Code
            .ShouldBe(ProblemCodes.Invalid);
        (await FailAsync(asking.CreateApiKeyAsync(new() { Scopes = ["everything"] }, cancellationToken: Cancellation))).Code
            .ShouldBe(ProblemCodes.Invalid);
        (await FailAsync(asking.CreateApiKeyAsync(new() { Scopes = [] }, cancellationToken: Cancellation))).Code
            .ShouldBe(ProblemCodes.Invalid);
        var other = (await client.ListApiKeysAsync(account.SessionToken, Cancellation))[^1];
        (await FailAsync(asking.RotateApiKeyAsync(other.Id, cancellationToken: Cancellation))).Code.ShouldBe(ProblemCodes.ScopeMissing);
    }

    [Theory, OnEveryServer]
    public async Task A_rotated_key_works_through_its_grace(ServerKind kind)
    {
        await using var subject = await servers.OnOwnAsync(kind);
        var account = await subject.SignUpAsync();
        await using var old = subject.Client(account);
        var id = (await old.ListApiKeysAsync(account.SessionToken, Cancellation)).Single().Id;

        var rotated = await old.RotateApiKeyAsync(id, new() { GraceSeconds = 60 }, account.SessionToken, Cancellation);
        await using var renewed = subject.ClientWithKey(rotated.ApiKey);

        rotated.PreviousExpiresAt.ShouldBe(subject.Clock.GetUtcNow().AddMinutes(1));
        rotated.Scopes.ShouldBe(Scopes.Default);
        (await FailAsync(old.RotateApiKeyAsync(id, sessionToken: account.SessionToken, cancellationToken: Cancellation))).Code
            .ShouldBe(ProblemCodes.Conflict);
        (await old.GetQuotaAsync(Cancellation)).ShouldBe(await renewed.GetQuotaAsync(Cancellation));
        subject.Advance(TimeSpan.FromMinutes(2));
        (await FailAsync(old.GetQuotaAsync(Cancellation))).Code.ShouldBe(ProblemCodes.Unauthenticated);
        (await renewed.GetQuotaAsync(Cancellation)).Plan.ShouldBe("free");
    }

    [Theory, OnEveryServer]
    public async Task A_leaked_key_is_revoked_when_anyone_reports_it(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        var account = await subject.SignUpAsync();
        await using var client = subject.Client(account);
        await using var finder = subject.Client();

        await finder.ReportLeakedKeyAsync($"pyr_live_{new string('0', 48)}", Cancellation);
        await finder.ReportLeakedKeyAsync(account.ApiKey, Cancellation);

        (await FailAsync(client.GetQuotaAsync(Cancellation))).Code.ShouldBe(ProblemCodes.Unauthenticated);
    }

    [Theory, OnEveryServer]
    public async Task A_key_over_its_limit_must_wait(ServerKind kind)
    {
        await using var subject = await servers.OnOwnAsync(kind);
        var account = await subject.SignUpAsync();
        await using var owner = subject.Client(account);
        var created = await owner.CreateApiKeyAsync(new() { RequestsPerMinute = 2 }, account.SessionToken, Cancellation);
        await using var client = subject.ClientWithKey(created.ApiKey);
        await client.GetQuotaAsync(Cancellation);
        await client.GetQuotaAsync(Cancellation);

        var exception = await FailAsync(client.GetQuotaAsync(Cancellation));
        (exception.Status, exception.Code, exception.RetryAfter).ShouldBe((429, ProblemCodes.RateLimited, TimeSpan.FromSeconds(30)));

        subject.Advance(TimeSpan.FromSeconds(30));
        (await client.GetQuotaAsync(Cancellation)).Plan.ShouldBe("free");
        (await FailAsync(client.GetQuotaAsync(Cancellation))).Code.ShouldBe(ProblemCodes.RateLimited);
    }

    private static Task<PyResolveException> FailAsync(Task task) => Should.ThrowAsync<PyResolveException>(task);
}
