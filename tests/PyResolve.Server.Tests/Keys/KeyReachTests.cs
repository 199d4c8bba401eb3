using Npgsql;
using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Keys;

/// <summary>What a leaked key with the scope <c>keys</c> can do to the account's other keys, and how far it can multiply itself.</summary>
public sealed class KeyReachTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task A_narrow_key_cannot_destroy_or_replace_the_owners_wider_keys(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var tomorrow = (await servers.OnAsync(engine)).Clock.GetUtcNow().AddDays(1);
        string[] managing = ["keys", "quota"];
        string[] reading = [.. managing, "usage:read"];
        // Each is beyond the narrow key in one thing.
        var wider = await MakeAsync(account.Session, new { scopes = reading, expires_at = tomorrow, requests_per_minute = 1_000 });
        var longer = await MakeAsync(account.Session, new { scopes = managing, requests_per_minute = 1_000 });
        var faster = await MakeAsync(account.Session, new { scopes = managing, expires_at = tomorrow, requests_per_minute = 1_001 });
        var same = await MakeAsync(account.Session, new { scopes = managing, expires_at = tomorrow, requests_per_minute = 1_000 });
        var narrow = await MakeAsync(account.Session, new { scopes = managing, expires_at = tomorrow, requests_per_minute = 1_000 });

        foreach (var beyond in new[] { wider, longer, faster })
        {
            (await narrow.Caller.DeleteAsync($"/auth/api-keys/{beyond.Id}")).ShouldBeProblem(403, "scope_missing");
            (await narrow.Caller.PostAsync($"/auth/api-keys/{beyond.Id}/rotate")).ShouldBeProblem(403, "scope_missing");
            (await beyond.Caller.GetAsync("/me")).Status.ShouldBe(200);
        }

        (await narrow.Caller.DeleteAsync($"/auth/api-keys/{same.Id}")).Status.ShouldBe(204);
        var child = await MakeAsync(narrow.Caller, new { scopes = (string[])["quota"] });
        (await narrow.Caller.DeleteAsync($"/auth/api-keys/{child.Id}")).Status.ShouldBe(204);
        (await narrow.Caller.DeleteAsync($"/auth/api-keys/{narrow.Id}")).Status.ShouldBe(204);
        (await narrow.Caller.GetAsync("/me")).Status.ShouldBe(401);
        (await account.Session.DeleteAsync($"/auth/api-keys/{wider.Id}")).Status.ShouldBe(204);
    }

    /// <summary>The request waits for the account here, as it may wait for its turn to hash. SQLite has one writer at a time.</summary>
    [Theory]
    [InlineData("sessions")]
    [InlineData("api_keys")]
    public async Task A_key_that_was_asked_for_before_a_reset_is_not_made_after_it(string credentials)
    {
        var cancellation = TestContext.Current.CancellationToken;
        await using var own = await OwnServer.StartAsync(StorageEngine.Postgres, servers.Postgres);
        var account = await own.SignUpAsync();
        var managing = await MakeAsync(account.Session, new { scopes = (string[])["keys", "quota"] });
        var caller = credentials == "sessions" ? account.Session : managing.Caller;
        await using var connection = new NpgsqlConnection($"{own.Store.ConnectionString};Pooling=false");
        await connection.OpenAsync(cancellation);
        await using var reset = await connection.BeginTransactionAsync(cancellation);
        await using var command = new NpgsqlCommand(
            $"""
            select id from profiles where id = '{account.UserId}' for update;
            update {credentials} set revoked_at = now() where user_id = '{account.UserId}'
            """,
            connection,
            reset);
        await command.ExecuteNonQueryAsync(cancellation);

        var request = caller.PostAsync("/auth/api-keys", new { });
        await Eventually.IsTrueAsync(
            async () => await own.Store.ReadNumberAsync(
                "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'") > 0,
            cancellationToken: cancellation);
        await reset.CommitAsync(cancellation);

        (await request).ShouldBeProblem(401, "unauthenticated");
    }

    [Theory, OnBothEngines]
    public async Task Keys_that_a_limited_key_makes_do_not_multiply_its_limit(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var maker = await MakeAsync(account.Session, new { scopes = (string[])["keys", "quota"], requests_per_minute = 20 });
        var child = await MakeAsync(maker.Caller, new { scopes = (string[])["keys", "quota"] });
        var grandchild = await MakeAsync(child.Caller, new { scopes = (string[])["quota"] });
        var rotated = await RotateAsync(child, graceSeconds: 3600);
        var slow = await MakeAsync(maker.Caller, new { scopes = (string[])["quota"], requests_per_minute = 2 });

        // Four requests made the keys above.
        var answers = new List<Answer>();
        for (var i = 0; i < 12; i++)
        {
            foreach (var key in new[] { maker, child, grandchild, rotated, slow })
                answers.Add(await key.Caller.GetAsync("/me"));
        }

        answers.Count(answer => answer.Status == 200).ShouldBe(16);
        answers.Where(answer => answer.Status != 200).ShouldAllBe(answer => answer.Status == 429 && answer.Headers.RetryAfter != null);
        (await account.Key.GetAsync("/me")).Status.ShouldBe(200);
        own.Clock.Advance(TimeSpan.FromMinutes(1));
        (await slow.Caller.GetAsync("/me")).Headers.GetValues("RateLimit-Limit").Single().ShouldBe("2");
        (await grandchild.Caller.GetAsync("/me")).Status.ShouldBe(200);
        (await maker.Caller.GetAsync("/me")).Headers.GetValues("RateLimit-Remaining").Single().ShouldBe("17");
    }

    [Theory, OnBothEngines]
    public async Task A_limited_key_that_is_rotated_again_and_again_keeps_one_limit(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var keys = new List<Made>
        {
            await MakeAsync(account.Session, new { scopes = (string[])["keys", "quota"], requests_per_minute = 20 }),
        };
        for (var i = 0; i < 4; i++)
            keys.Add(await RotateAsync(keys[^1], graceSeconds: 3600));

        var accepted = 0;
        foreach (var key in keys.SelectMany(key => Enumerable.Repeat(key, 20)))
            accepted += (await key.Caller.GetAsync("/me")).Status == 200 ? 1 : 0;

        accepted.ShouldBe(16);
    }

    [Theory, OnBothEngines]
    public async Task A_request_for_a_key_that_is_repeated_makes_one_key(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var (account, other) = (await own.SignUpAsync(), await own.SignUpAsync());
        Task<Answer> CreateAsync(TestAccount by, string key) => by.Session.PostAsync("/auth/api-keys", new { name = "CI" }, key);

        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => CreateAsync(account, "request-1")));
        var later = await CreateAsync(account, "request-1");

        var created = answers.Single(answer => answer.Status == 201);
        foreach (var repeated in answers.Where(answer => answer.Status != 201).Append(later))
        {
            repeated.ShouldBeProblem(409, "conflict").Detail!.ShouldContain(created["prefix"].GetString()!);
            repeated.Detail!.ShouldContain($"/auth/api-keys/{created.Id()}/rotate");
        }

        (await account.Session.GetAsync("/auth/api-keys"))["data"].GetArrayLength().ShouldBe(2);
        (await CreateAsync(other, "request-1")).Status.ShouldBe(201);
        (await CreateAsync(account, "request-2")).Status.ShouldBe(201);
        (await CreateAsync(account, "two words")).ShouldBeProblem(400, "malformed");
        var replaced = await account.Session.PostAsync($"/auth/api-keys/{created.Id()}/rotate");
        (await own.Server.WithKey(replaced["api_key"].GetString()!).GetAsync("/me")).Status.ShouldBe(200);
    }

    private static async Task<Made> MakeAsync(Caller by, object terms)
    {
        var made = await by.PostAsync("/auth/api-keys", terms);
        made.Status.ShouldBe(201, made.Text);
        return new Made(made.Id(), by.With(made["api_key"].GetString()!));
    }

    private static async Task<Made> RotateAsync(Made key, int graceSeconds)
    {
        var made = await key.Caller.PostAsync($"/auth/api-keys/{key.Id}/rotate", new { grace_seconds = graceSeconds });
        made.Status.ShouldBe(201, made.Text);
        return new Made(made.Id(), key.Caller.With(made["api_key"].GetString()!));
    }

    private sealed record Made(Guid Id, Caller Caller);
}
