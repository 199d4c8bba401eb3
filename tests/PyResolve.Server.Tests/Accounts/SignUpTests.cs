using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Accounts;

public sealed class SignUpTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task Signing_up_gives_a_user_a_key_and_a_session(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var email = Unique("ada");

        var answer = await server.Anonymous.PostAsync(
            "/auth/signup", new { email, password = TestAccount.Password, name = "Ada Lovelace" });

        answer.Status.ShouldBe(201);
        var user = answer["user"];
        (user.GetProperty("email").GetString(), user.GetProperty("name").GetString(), user.GetProperty("plan").GetString())
            .ShouldBe((email, "Ada Lovelace", "free"));
        answer["api_key"].GetString()!.ShouldMatch("^pyr_live_[0-9a-f]{48}$");
        answer["session_token"].GetString()!.ShouldMatch("^pyr_sess_[0-9a-f]{48}$");
        answer["session_expires_at"].GetDateTimeOffset().ShouldBe(server.Clock.GetUtcNow().AddDays(30));
    }

    [Theory]
    [InlineData("{0}@example.com", null, "{0}")]
    [InlineData("{0}@example.com", "   ", "{0}")]
    [InlineData("{0}+tag@Example.COM", null, "{0}+tag")]
    [InlineData("{0}@example.com", "  Grace ", "Grace")]
    public async Task A_name_defaults_to_the_part_of_the_email_before_the_at_sign(string email, string? name, string expected)
    {
        var server = await servers.OnAsync(StorageEngine.Sqlite);
        var local = Unique("grace").Split('@')[0];

        var answer = await server.Anonymous.PostAsync(
            "/auth/signup", new { email = string.Format(email, local), password = TestAccount.Password, name });

        answer["user"].GetProperty("name").GetString().ShouldBe(string.Format(expected, local));
    }

    [Theory, OnBothEngines]
    public async Task An_email_signs_up_once_in_any_case(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var email = Unique("Case").ToUpperInvariant();
        (await server.Anonymous.PostAsync("/auth/signup", new { email, password = TestAccount.Password })).Status.ShouldBe(201);

        var again = await server.Anonymous.PostAsync(
            "/auth/signup", new { email = $" {email.ToLowerInvariant()} ", password = TestAccount.Password });
        var login = await server.Anonymous.PostAsync("/auth/login", new { email, password = TestAccount.Password });

        again.ShouldBeProblem(409, "conflict");
        login["user"].GetProperty("email").GetString().ShouldBe(email.ToLowerInvariant());
    }

    [Theory, OnBothEngines]
    public async Task Concurrent_sign_ups_with_one_email_create_one_account(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);

        var answers = await Task.WhenAll(Enumerable.Range(0, 20)
            .Select(i => i % 2 == 0 ? "race@example.com" : "RACE@example.com")
            .Select(email => own.Server.Anonymous.PostAsync("/auth/signup", new { email, password = TestAccount.Password })));

        answers.Count(answer => answer.Status == 201).ShouldBe(1);
        answers.Count(answer => answer.Status == 409).ShouldBe(19);
        (await own.Store.ReadNumberAsync("select count(*) from profiles")).ShouldBe(1);
        (await own.Store.ReadNumberAsync("select count(*) from api_keys")).ShouldBe(1);
    }

    [Theory]
    [InlineData("1234567", "password")]
    [InlineData("", "password")]
    public async Task A_weak_password_is_refused(string password, string field)
    {
        var server = await servers.OnAsync(StorageEngine.Sqlite);

        (await server.Anonymous.PostAsync("/auth/signup", new { email = Unique("weak"), password }))
            .ShouldBeProblem(422, "invalid")["errors"].TryGetProperty(field, out _).ShouldBeTrue();
    }

    [Theory, OnBothEngines]
    public async Task A_closed_server_takes_no_new_accounts(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(
            engine, servers.Postgres, settings: new Dictionary<string, string?> { ["PYRESOLVE_SIGNUP"] = "closed" });

        var answer = await own.Server.Anonymous.PostAsync(
            "/auth/signup", new { email = "late@example.com", password = TestAccount.Password });

        answer.ShouldBeProblem(403, "signup_closed");
        (await own.Store.ReadNumberAsync("select count(*) from profiles")).ShouldBe(0);
    }

    [Theory, OnBothEngines]
    public async Task No_secret_is_stored_in_plain_text(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();

        (await own.Store.ReadNumberAsync($"select count(*) from passwords where password_hash like '%{TestAccount.Password}%'"))
            .ShouldBe(0);
        (await own.Store.ReadNumberAsync(
            $"""
            select count(*) from api_keys
            where key_hash like '$2a$06$%' and length(key_digest) = 32 and key_prefix = '{account.ApiKey[..20]}'
            """)).ShouldBe(1);
        (await own.Store.ReadNumberAsync("select count(*) from sessions where length(token_digest) = 32")).ShouldBe(1);
    }

    private static string Unique(string name) => $"{name}-{Guid.CreateVersion7(TimeProvider.System.GetUtcNow()):n}@example.com";
}
