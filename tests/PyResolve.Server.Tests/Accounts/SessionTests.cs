using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Accounts;

public sealed class SessionTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task Logging_in_opens_another_session(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);

        var login = await LogInAsync(account, TestAccount.Password);

        login.Status.ShouldBe(200);
        login["user"].GetProperty("id").GetGuid().ShouldBe(account.UserId);
        login["session_token"].GetString().ShouldNotBe(account.SessionToken);
        (await account.Session.GetAsync("/me")).Status.ShouldBe(200);
        (await WithSession(account, login["session_token"].GetString()).GetAsync("/me")).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task A_wrong_password_and_an_unknown_email_get_the_same_answer(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);

        var wrong = await LogInAsync(account, "wrong horse battery staple");
        var unknown = await LogInAsync(account with { Email = $"nobody-{account.Email}" }, TestAccount.Password);

        wrong.ShouldBeProblem(401, "unauthenticated");
        WithoutRequestId(unknown).ShouldBe(WithoutRequestId(wrong));
    }

    [Theory, OnBothEngines]
    public async Task Logging_out_ends_only_that_session(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var other = WithSession(account, (await LogInAsync(account, TestAccount.Password))["session_token"].GetString());

        (await account.Session.PostAsync("/auth/logout")).Status.ShouldBe(204);

        (await account.Session.GetAsync("/me")).ShouldBeProblem(401, "unauthenticated");
        (await account.Session.PostAsync("/auth/logout")).Status.ShouldBe(401);
        (await other.GetAsync("/me")).Status.ShouldBe(200);
        (await account.Key.GetAsync("/me")).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task A_session_that_somebody_else_opened_can_be_seen_and_ended(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var (account, stranger) = (await own.SignUpAsync(), await own.SignUpAsync());
        own.Clock.Advance(TimeSpan.FromMinutes(1));
        var opened = await new Caller(own.Server.Http, "User-Agent", "stolen/1.0").PostAsync(
            "/auth/login", new { email = account.Email, password = TestAccount.Password });
        var stolen = WithSession(account, opened["session_token"].GetString());

        var listed = (await account.Session.GetAsync("/auth/sessions"))["data"].EnumerateArray().ToList();

        listed.Count.ShouldBe(2);
        listed[0].GetProperty("user_agent").GetString().ShouldBe("stolen/1.0");
        listed[0].GetProperty("address").GetString().ShouldBe("127.0.0.1");
        listed.Select(session => session.GetProperty("current").GetBoolean()).ShouldBe([false, true]);
        var path = $"/auth/sessions/{listed[0].GetProperty("id").GetGuid()}";
        (await stranger.Session.DeleteAsync(path)).ShouldBeProblem(404, "not_found");
        (await account.Key.DeleteAsync(path)).Status.ShouldBe(403);
        (await account.Session.DeleteAsync(path)).Status.ShouldBe(204);
        (await stolen.GetAsync("/me")).Status.ShouldBe(401);
        (await account.Session.GetAsync("/me")).Status.ShouldBe(200);
        (await account.Session.GetAsync("/auth/sessions"))["data"].GetArrayLength().ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task When_a_session_was_last_seen_is_written_once_a_minute_and_not_on_each_request(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var openedAt = own.Clock.GetUtcNow();

        own.Clock.Jump(TimeSpan.FromSeconds(59));
        (await LastSeenAsync(account)).ShouldBe(openedAt);
        own.Clock.Jump(TimeSpan.FromSeconds(1));
        (await LastSeenAsync(account)).ShouldBe(openedAt.AddSeconds(60));
        own.Clock.Jump(TimeSpan.FromSeconds(30));
        (await LastSeenAsync(account)).ShouldBe(openedAt.AddSeconds(60));
    }

    [Theory, OnBothEngines]
    public async Task A_session_that_is_not_used_does_not_stay_open(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(
            engine, servers.Postgres, settings: new Dictionary<string, string?> { ["PyResolve:SessionIdleDays"] = "2" });
        var account = await own.SignUpAsync();
        for (var i = 0; i < 3; i++)
        {
            own.Clock.Jump(TimeSpan.FromDays(1.5));
            (await account.Session.GetAsync("/me")).Status.ShouldBe(200);
        }

        own.Clock.Jump(TimeSpan.FromDays(2));

        (await account.Session.GetAsync("/me")).ShouldBeProblem(401, "unauthenticated");
    }

    [Fact]
    public async Task Over_https_another_name_of_the_domain_cannot_set_the_session_cookie_of_the_pages()
    {
        await using var own = await OwnServer.StartAsync(
            StorageEngine.Sqlite,
            servers.Postgres,
            settings: new Dictionary<string, string?> { ["PYRESOLVE_PUBLIC_URL"] = "https://billing.example.com" });
        var account = await own.SignUpAsync();
        using var form = new FormUrlEncodedContent(new Dictionary<string, string>
        {
            ["action"] = "sign-in", ["email"] = account.Email, ["password"] = TestAccount.Password,
        });

        var answer = await new Caller(own.Server.Http, "Origin", "https://billing.example.com").PostAsync("/device", form);

        answer.Status.ShouldBe(303, answer.Text);
        var cookie = answer.Headers.GetValues("Set-Cookie").Single();
        cookie.ShouldStartWith("__Host-pyr_session=pyr_sess_");
        cookie.ShouldContain("; secure");
        cookie.ShouldNotContain("domain=");
        var pair = cookie.Split(';')[0];
        (await new Caller(own.Server.Http, "Cookie", pair).GetAsync("/device")).Text.ShouldContain($"Signed in as <strong>{account.Email}");
        (await new Caller(own.Server.Http, "Cookie", pair.Replace("__Host-", "", StringComparison.Ordinal)).GetAsync("/device")).Text
            .ShouldNotContain("Signed in as");
    }

    [Theory, OnBothEngines]
    public async Task An_answer_with_a_secret_is_not_stored_by_a_cache(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var email = $"store-{Guid.CreateVersion7():N}@example.com";

        var signedUp = await server.Anonymous.PostAsync("/auth/signup", new { email, password = TestAccount.Password });
        var loggedIn = await server.LogInAsync(email);

        signedUp.Headers.CacheControl!.NoStore.ShouldBeTrue();
        loggedIn.Headers.CacheControl!.NoStore.ShouldBeTrue();
    }

    [Theory, OnBothEngines]
    public async Task A_session_expires_at_the_time_in_its_answer(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(
            engine, servers.Postgres, settings: new Dictionary<string, string?> { ["PyResolve:SessionDays"] = "2" });
        var account = await own.SignUpAsync();

        own.Clock.Advance(TimeSpan.FromDays(2) - TimeSpan.FromSeconds(1));
        (await account.Session.GetAsync("/me")).Status.ShouldBe(200);
        own.Clock.Advance(TimeSpan.FromSeconds(1));

        (await account.Session.GetAsync("/me")).ShouldBeProblem(401, "unauthenticated");
        (await account.Key.GetAsync("/me")).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task A_session_may_do_everything_in_its_account(StorageEngine engine)
    {
        var session = (await servers.SignUpAsync(engine)).Session;

        (await session.GetAsync("/quota")).Status.ShouldBe(200);
        var made = await session.PostAsync("/auth/api-keys", new { scopes = Client.Wire.Scopes.All });
        made.Status.ShouldBe(201);
        (await session.GetAsync("/auth/api-keys"))["data"].GetArrayLength().ShouldBe(2);
        (await session.DeleteAsync($"/auth/api-keys/{made.Id()}")).Status.ShouldBe(204);
        (await session.PostAsync("/usage", new { event_type = "scan" })).Status.ShouldBe(200);
        var held = await session.PostAsync("/quota/reservations", new { tier = "tier1" });
        held.Status.ShouldBe(201);
        (await session.GetAsync($"/quota/reservations/{held.Id()}")).Status.ShouldBe(200);
        (await session.PostAsync($"/quota/reservations/{held.Id()}/commit")).Status.ShouldBe(200);
        (await session.PostAsync("/auth/logout")).Status.ShouldBe(204);
    }

    [Theory, OnBothEngines]
    public async Task Nothing_of_another_account_can_be_read_or_changed(StorageEngine engine)
    {
        var owner = await servers.SignUpAsync(engine);
        var stranger = await servers.SignUpAsync(engine);
        var key = await owner.Session.PostAsync("/auth/api-keys", new { name = "Owner's" });

        (await stranger.Session.GetAsync("/auth/api-keys")).Text.ShouldNotContain(key["prefix"].GetString()!);
        (await stranger.Session.DeleteAsync($"/auth/api-keys/{key.Id()}")).ShouldBeProblem(404, "not_found");
        (await stranger.ReserveAsync(quantity: 5)).Status.ShouldBe(201);

        (await (await servers.OnAsync(engine)).WithKey(key["api_key"].GetString()!).GetAsync("/me")).Status.ShouldBe(200);
        (await owner.QuotaAsync()).ShouldBe(new QuotaView(Used: 0, Held: 0, Remaining: 5));
    }

    [Theory, OnBothEngines]
    public async Task A_key_cannot_do_what_only_a_session_may(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);

        (await account.Key.PostAsync("/auth/logout")).ShouldBeProblem(403, "scope_missing");
    }

    [Theory]
    [InlineData("pyr_sess_")]
    [InlineData("pyr_sess_000000000000000000000000000000000000000000000000")]
    public async Task An_unknown_session_is_refused_with_the_advice_to_log_in(string token)
    {
        var server = await servers.OnAsync(StorageEngine.Sqlite);

        var answer = await new Caller(server.Http, "Authorization", $"Bearer {token}").GetAsync("/me");

        answer.ShouldBeProblem(401, "unauthenticated").Detail!.ShouldContain("Log in");
    }

    private static async Task<DateTimeOffset> LastSeenAsync(TestAccount account) =>
        (await account.Session.GetAsync("/auth/sessions"))["data"][0].GetProperty("last_seen_at").GetDateTimeOffset();

    private static Task<Answer> LogInAsync(TestAccount account, string password) =>
        new Caller(account.Http).PostAsync("/auth/login", new { email = account.Email, password });

    private static Caller WithSession(TestAccount account, string? token) => new(account.Http, "Authorization", $"Bearer {token}");

    private static string WithoutRequestId(Answer answer) =>
        answer.Text.Replace(answer["request_id"].GetString()!, "", StringComparison.Ordinal);
}
