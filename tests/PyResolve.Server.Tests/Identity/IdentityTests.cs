using System.Text.Json.Nodes;
using PyResolve.Server.Hosting;
using PyResolve.Server.Tests.Accounts;
using PyResolve.Server.Tests.Email;
using PyResolve.Server.Tests.Hosting;

namespace PyResolve.Server.Tests.Identity;

public sealed class IdentityTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task The_first_request_of_a_Supabase_user_creates_an_account(StorageEngine engine)
    {
        await using var scene = await Scene.StartAsync(engine, servers, static issuer => issuer.SupabaseSettings);
        var user = NewUser();
        var session = scene.With(scene.Issuer.Sign(scene.Issuer.SupabaseClaims(user)));

        var me = await session.GetAsync("/me");

        me.Status.ShouldBe(200);
        me["user_id"].GetGuid().ShouldBe(user);
        me["email"].GetString().ShouldBe($"user-{user}@example.com");
        me["plan"].GetString().ShouldBe("free");
        (await session.PostAsync("/auth/api-keys")).Status.ShouldBe(201);
        (await session.SendAsync(HttpMethod.Patch, "/me", new { name = "Countess" })).Status.ShouldBe(200);
        (await scene.Own.Store.ReadNumberAsync("select count(*) from profiles")).ShouldBe(1);
        var audited = await session.AuditedAsync();
        audited.Count(action => action == "account.created").ShouldBe(1);
        audited.Count(action => action == "identity.linked").ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task Concurrent_first_requests_create_one_account(StorageEngine engine)
    {
        await using var scene = await Scene.StartAsync(engine, servers, static issuer => issuer.OidcSettings);
        var session = scene.With(scene.Issuer.Sign(scene.Issuer.OidcClaims("grace")));

        var answers = await Task.WhenAll(Enumerable.Range(0, 24).Select(_ => session.GetAsync("/me")));

        answers.ShouldAllBe(answer => answer.Status == 200);
        answers.Select(answer => answer["user_id"].GetGuid()).Distinct().Count().ShouldBe(1);
        (await scene.Own.Store.ReadNumberAsync("select count(*) from profiles")).ShouldBe(1);
        (await session.AuditedAsync()).Count(action => action == "account.created").ShouldBe(1);
    }

    [Theory]
    [InlineData("""{"name":"Ada Lovelace"}""", "Ada Lovelace")]
    [InlineData("""{"name":""}""", "ada")]
    [InlineData("""{"name":7}""", "ada")]
    [InlineData("""{"name":"a\u0000b"}""", "ada")]
    [InlineData("""{}""", "ada")]
    [InlineData("""[]""", "ada")]
    public async Task The_name_is_the_users_or_the_start_of_the_email(string metadata, string expected)
    {
        await using var scene = await Scene.StartAsync(StorageEngine.Sqlite, servers, static issuer => issuer.SupabaseSettings);
        var claims = scene.Issuer.SupabaseClaims(NewUser(), ("user_metadata", JsonNode.Parse(metadata)), ("email", "Ada@Example.com"));

        (await scene.With(scene.Issuer.Sign(claims)).StatusAsync()).ShouldBe(200);

        (await scene.Own.Store.ReadSqlAsync("select name from profiles")).ShouldBe(expected);
        (await scene.Own.Store.ReadSqlAsync("select email from profiles")).ShouldBe("ada@example.com");
    }

    [Theory, OnBothEngines]
    public async Task A_profile_that_the_trigger_of_Supabase_created_is_used(StorageEngine engine)
    {
        await using var scene = await Scene.StartAsync(engine, servers, static issuer => issuer.SupabaseSettings);
        var user = NewUser();
        await scene.Own.Store.ExecuteSqlAsync(engine is StorageEngine.Postgres
            ? $"insert into profiles (id, email, name, plan) values ('{user}', 'old@example.com', 'Old', 'pro')"
            : $"""
                insert into profiles (id, email, name, plan, created_at, updated_at)
                values ('{user}', 'old@example.com', 'Old', 'pro', 0, 0)
                """);
        var session = scene.With(scene.Issuer.Sign(scene.Issuer.SupabaseClaims(user)));

        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => session.GetAsync("/me")));

        answers.ShouldAllBe(answer => answer.Status == 200 && answer["plan"].GetString() == "pro");
        (await session.AuditedAsync()).ShouldBe(["identity.linked"]);
    }

    [Theory, OnBothEngines]
    public async Task An_email_in_a_token_does_not_open_an_account(StorageEngine engine)
    {
        await using var scene = await Scene.StartAsync(engine, servers, OidcWithSignUp);
        var victim = await scene.Own.SignUpAsync("grace@example.com");

        var answer = await scene.With(scene.Issuer.Sign(scene.Issuer.OidcClaims("mallory", ("email_verified", false)))).GetAsync("/me");

        answer.Status.ShouldBe(409);
        answer.Code.ShouldBe("conflict");
        (await scene.Own.Store.ReadNumberAsync("select count(*) from identities")).ShouldBe(0);
        (await victim.Session.StatusAsync()).ShouldBe(200);
    }

    [Fact]
    public async Task An_invalid_token_is_refused()
    {
        await using var scene = await Scene.StartAsync(StorageEngine.Sqlite, servers, static issuer => issuer.SupabaseSettings);
        var issuer = scene.Issuer;
        var user = NewUser();
        JsonObject Claims(params (string, JsonNode?)[] changes) => issuer.SupabaseClaims(user, changes);
        var good = issuer.Sign(Claims());
        var publicKey = System.Text.Encoding.UTF8.GetBytes(issuer.Key.Published().ToJsonString());
        var tokens = new Dictionary<string, string>
        {
            ["expired"] = issuer.Sign(Claims(("exp", issuer.At(TimeSpan.FromSeconds(-60))))),
            ["not yet"] = issuer.Sign(Claims(("nbf", issuer.At(TimeSpan.FromSeconds(62))))),
            ["no end"] = issuer.Sign(Claims(("exp", null))),
            ["other audience"] = issuer.Sign(Claims(("aud", "anon"))),
            ["no audience"] = issuer.Sign(Claims(("aud", null))),
            ["other issuer"] = issuer.Sign(Claims(("iss", "https://evil.example.com/auth/v1"))),
            ["no issuer"] = issuer.Sign(Claims(("iss", null))),
            ["no subject"] = issuer.Sign(Claims(("sub", null))),
            ["a subject that is no id"] = issuer.Sign(Claims(("sub", "ada"))),
            ["no e-mail"] = issuer.Sign(Claims(("email", null))),
            ["unsigned"] = IssuerKey.None.Sign(Claims()),
            ["signature cut off"] = good[..(good.LastIndexOf('.') + 1)],
            ["another's key under our key's id"] = IssuerKey.Ec(issuer.Key.Id).Sign(Claims()),
            ["another's RSA key under our key's id"] = IssuerKey.Rsa(issuer.Key.Id).Sign(Claims()),
            ["an unknown key"] = IssuerKey.Ec("unknown").Sign(Claims()),
            ["the public key as a secret"] = IssuerKey.Hmac(issuer.Key.Id, publicKey).Sign(Claims()),
            ["another payload"] = Mix(good, issuer.Sign(Claims(("sub", NewUser().ToString())))),
            ["no token at all"] = "a.b.c",
            ["empty parts"] = "..",
            ["too large"] = issuer.Sign(Claims(("filler", new string('x', 20_000)))),
        };

        foreach (var (what, token) in tokens)
            (await scene.With(token).StatusAsync()).ShouldBe(401, what);

        (await scene.Own.Store.ReadNumberAsync("select count(*) from profiles")).ShouldBe(0);
        (await scene.With(good).StatusAsync()).ShouldBe(200);
    }

    [Fact]
    public async Task Clocks_may_differ_by_a_minute()
    {
        await using var scene = await Scene.StartAsync(StorageEngine.Sqlite, servers, static issuer => issuer.SupabaseSettings);
        var claims = scene.Issuer.SupabaseClaims(
            NewUser(), ("exp", scene.Issuer.At(TimeSpan.FromSeconds(-55))), ("nbf", scene.Issuer.At(TimeSpan.FromSeconds(55))));

        (await scene.With(scene.Issuer.Sign(claims)).StatusAsync()).ShouldBe(200);
    }

    [Fact]
    public async Task A_published_secret_is_not_accepted_as_a_key()
    {
        await using var scene = await Scene.StartAsync(StorageEngine.Sqlite, servers, static issuer => issuer.SupabaseSettings);
        scene.Issuer.Rotate(IssuerKey.Hmac("secret", new byte[32]));

        (await scene.With(scene.Issuer.Sign(scene.Issuer.SupabaseClaims(NewUser()))).StatusAsync()).ShouldBe(401);
    }

    [Theory, OnBothEngines]
    public async Task The_shared_secret_of_Supabase_is_enough(StorageEngine engine)
    {
        const string Secret = "super-secret-jwt-token-with-at-least-32-characters-long";
        await using var scene = await Scene.StartAsync(engine, servers, static _ => new() { ["SUPABASE_JWT_SECRET"] = Secret });
        var user = NewUser();
        var key = IssuerKey.Hmac("", System.Text.Encoding.UTF8.GetBytes(Secret));

        var me = await scene.With(key.Sign(scene.Issuer.SupabaseClaims(user))).GetAsync("/me");

        me["user_id"].GetGuid().ShouldBe(user);
        (await scene.With(IssuerKey.Hmac("", new byte[32]).Sign(scene.Issuer.SupabaseClaims(user))).StatusAsync()).ShouldBe(401);
        (await scene.With(scene.Issuer.Sign(scene.Issuer.SupabaseClaims(user))).StatusAsync()).ShouldBe(401);
        // The keys that Supabase gives to browsers are tokens too, without a user.
        (await scene.With(key.Sign(scene.Issuer.SupabaseClaims(user, ("aud", null), ("sub", null), ("role", "anon")))).StatusAsync())
            .ShouldBe(401);
    }

    [Theory, OnBothEngines]
    public async Task An_OpenID_issuer_is_found_by_its_configuration(StorageEngine engine)
    {
        await using var scene = await Scene.StartAsync(engine, servers, static issuer => issuer.OidcSettings);
        scene.Issuer.Rotate(IssuerKey.Rsa("rsa"));

        var me = await scene.With(scene.Issuer.Sign(scene.Issuer.OidcClaims("auth0|grace"))).GetAsync("/me");

        me.Status.ShouldBe(200);
        me["user_id"].GetGuid().Version.ShouldBe(7);
        (await scene.Own.Store.ReadSqlAsync("select subject from identities")).ShouldBe("auth0|grace");
        (await scene.Own.Store.ReadNumberAsync("select count(*) from profiles where email_verified_at is not null")).ShouldBe(1);
        (await scene.With(scene.Issuer.Sign(scene.Issuer.OidcClaims("grace", ("aud", "another-service")))).StatusAsync()).ShouldBe(401);
    }

    [Fact]
    public async Task Unknown_key_ids_cause_one_fetch_in_30_seconds()
    {
        await using var scene = await Scene.StartAsync(StorageEngine.Sqlite, servers, static issuer => issuer.SupabaseSettings);
        var claims = scene.Issuer.SupabaseClaims(NewUser());
        var answers = await Task.WhenAll(
            Enumerable.Range(0, 40).Select(i => scene.With(IssuerKey.Ec($"made-up-{i}").Sign(claims)).StatusAsync()));
        answers.ShouldAllBe(status => status == 401);
        scene.Issuer.Fetches.ShouldBe(1);

        scene.Issuer.Rotate(IssuerKey.Ec("second"));
        (await scene.With(scene.Issuer.Sign(claims)).StatusAsync()).ShouldBe(401);
        scene.Own.Clock.Advance(TimeSpan.FromSeconds(30));

        (await scene.With(scene.Issuer.Sign(claims)).StatusAsync()).ShouldBe(200);
        scene.Issuer.Fetches.ShouldBe(2);
    }

    [Fact]
    public async Task Known_keys_stay_valid_while_the_issuer_is_down()
    {
        await using var scene = await Scene.StartAsync(StorageEngine.Sqlite, servers, static issuer => issuer.SupabaseSettings);
        var session = scene.With(scene.Issuer.Sign(scene.Issuer.SupabaseClaims(NewUser())));
        scene.Issuer.IsDown = true;
        var unknown = await session.GetAsync("/me");
        scene.Issuer.IsDown = false;
        scene.Own.Clock.Advance(TimeSpan.FromSeconds(30));
        (await session.StatusAsync()).ShouldBe(200);

        scene.Issuer.IsDown = true;
        scene.Own.Clock.Advance(TimeSpan.FromMinutes(20));

        (await session.StatusAsync()).ShouldBe(200);
        await Eventually.IsTrueAsync(() => scene.Issuer.Fetches == 3, cancellationToken: TestContext.Current.CancellationToken);
        (await session.StatusAsync()).ShouldBe(200);
        unknown.Status.ShouldBe(503);
        unknown.Headers.RetryAfter.ShouldNotBeNull();
    }

    [Fact]
    public async Task A_key_that_the_issuer_removed_is_no_longer_accepted()
    {
        await using var scene = await Scene.StartAsync(StorageEngine.Sqlite, servers, static issuer => issuer.SupabaseSettings);
        var session = scene.With(scene.Issuer.Sign(scene.Issuer.SupabaseClaims(NewUser())));
        (await session.StatusAsync()).ShouldBe(200);
        scene.Issuer.Rotate(IssuerKey.Ec("second"));

        scene.Own.Clock.Advance(TimeSpan.FromMinutes(11));

        await Eventually.IsTrueAsync(
            async () => await session.StatusAsync() == 401, cancellationToken: TestContext.Current.CancellationToken);
    }

    [Theory, OnBothEngines]
    public async Task A_token_cannot_be_logged_out_here_but_its_account_can_be_deleted(StorageEngine engine)
    {
        await using var scene = await Scene.StartAsync(engine, servers, static issuer => issuer.SupabaseSettings);
        var session = scene.With(scene.Issuer.Sign(scene.Issuer.SupabaseClaims(NewUser())));
        (await session.PostAsync("/auth/logout")).Status.ShouldBe(409);
        (await session.ChangePasswordAsync("a new password")).Status.ShouldBe(409);

        (await session.DeleteAccountAsync(password: null)).Status.ShouldBe(204);

        (await session.StatusAsync()).ShouldBe(401);
        (await scene.Own.Store.ReadNumberAsync("select count(*) from identities")).ShouldBe(0);
        (await scene.Own.Store.ReadNumberAsync("select count(*) from profiles where email = ''")).ShouldBe(1);
    }

    [Fact]
    public async Task Without_trusted_issuers_no_token_is_accepted()
    {
        var server = await servers.OnAsync(StorageEngine.Sqlite);

        var answer = await new Caller(server.Http, "Authorization", "Bearer a.b.c").GetAsync("/me");

        answer.Status.ShouldBe(401);
        answer.Detail.ShouldBe("Invalid API key format");
    }

    [Theory]
    [InlineData("PyResolve:Oidc:0:Issuer", "https://issuer.example.com", "Audience is missing")]
    [InlineData("PyResolve:Oidc:0:Audience", "pyresolve", "Issuer is missing")]
    [InlineData("SUPABASE_JWT_SECRET", "short", "shorter than 32")]
    [InlineData("SUPABASE_URL", "http://supabase.example.com", "https")]
    [InlineData("SUPABASE_URL", "http://loopback:9", "https")]
    [InlineData("SUPABASE_URL", "supabase", "whole URL")]
    public async Task Invalid_settings_stop_the_start(string name, string value, string expected)
    {
        var settings = new Dictionary<string, string?> { ["environment"] = "Development", [name] = value };

        var failure = await Should.ThrowAsync<InvalidConfigurationException>(
            () => OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres, settings: settings));

        failure.Message.ShouldContain(expected);
    }

    [Theory, OnBothEngines]
    public async Task An_account_that_nobody_proved_does_not_keep_a_person_of_the_identity_provider_out(StorageEngine engine)
    {
        await using var scene = await Scene.StartAsync(engine, servers, OidcWithSignUp);
        var squatter = await scene.Own.SignUpAsync("Grace@Example.com");

        var me = await scene.With(scene.Issuer.Sign(scene.Issuer.OidcClaims("grace"))).GetAsync("/me");

        me.Status.ShouldBe(200, me.Text);
        me["user_id"].GetGuid().ShouldNotBe(squatter.UserId);
        me["email"].GetString().ShouldBe("grace@example.com");
        (await squatter.Key.StatusAsync()).ShouldBe(401);
        (await squatter.Session.StatusAsync()).ShouldBe(401);
        (await scene.Own.Server.LogInAsync("grace@example.com")).Status.ShouldBe(401);
    }

    [Theory, OnBothEngines]
    public async Task An_account_whose_owner_proved_the_address_does_not_yield_to_an_issuer(StorageEngine engine)
    {
        using var mailbox = new TestMailbox();
        await using var scene = await Scene.StartAsync(
            engine, servers, issuer => new(OidcWithSignUp(issuer).Concat(mailbox.Settings)));
        var owner = await scene.Own.SignUpAsync("grace@example.com");
        var token = await mailbox.TokenAsync(owner.Email, "verify-email");
        (await owner.Session.PostAsync("/auth/email/verify", new { token })).Status.ShouldBe(204);

        (await scene.With(scene.Issuer.Sign(scene.Issuer.OidcClaims("mallory"))).StatusAsync()).ShouldBe(409);

        (await owner.Key.StatusAsync()).ShouldBe(200);
    }

    /// <summary>The trigger of Supabase writes the profile before the first token comes.</summary>
    [Theory, OnBothEngines]
    public async Task A_local_account_with_the_address_does_not_keep_a_user_of_Supabase_from_registering(StorageEngine engine)
    {
        await using var scene = await Scene.StartAsync(
            engine, servers, static issuer => new(issuer.SupabaseSettings) { ["PyResolve:Supabase:ConfirmsEmails"] = "true" });
        var user = NewUser();
        var squatter = await scene.Own.SignUpAsync($"user-{user}@example.com");
        await scene.Own.Store.ExecuteSqlAsync(engine is StorageEngine.Postgres
            ? $"insert into profiles (id, email, name) values ('{user}', '{squatter.Email}', 'Ada')"
            : $"insert into profiles (id, email, name, created_at, updated_at) values ('{user}', '{squatter.Email}', 'Ada', 0, 0)");

        var me = await scene.With(scene.Issuer.Sign(scene.Issuer.SupabaseClaims(user))).GetAsync("/me");

        me.Status.ShouldBe(200, me.Text);
        me["user_id"].GetGuid().ShouldBe(user);
        (await squatter.Key.StatusAsync()).ShouldBe(401);
    }

    /// <summary>A project that does not confirm addresses gives a token with any address to anybody.</summary>
    [Theory, OnBothEngines]
    public async Task Supabase_vouches_for_no_address_unless_the_operator_says_that_it_confirms_them(StorageEngine engine)
    {
        await using var scene = await Scene.StartAsync(engine, servers, static issuer => issuer.SupabaseSettings);
        var user = NewUser();
        var local = await scene.Own.SignUpAsync($"user-{user}@example.com");
        var claims = scene.Issuer.SupabaseClaims(
            user, ("email_verified", true), ("user_metadata", new JsonObject { ["email_verified"] = true }));

        (await scene.With(scene.Issuer.Sign(claims)).StatusAsync()).ShouldBe(409);

        (await local.Key.StatusAsync()).ShouldBe(200);
        (await local.Session.StatusAsync()).ShouldBe(200);
    }

    [Fact]
    public async Task Where_people_come_through_an_identity_provider_alone_nobody_can_squat_addresses_by_local_sign_up()
    {
        await using var scene = await Scene.StartAsync(
            StorageEngine.Sqlite, servers, static issuer => new(issuer.OidcSettings) { ["PYRESOLVE_SIGNUP"] = "closed" });

        var answer = await scene.Own.Server.Anonymous.PostAsync(
            "/auth/signup", new { email = "grace@example.com", password = TestAccount.Password });

        (answer.Status, answer.Code).ShouldBe((403, "signup_closed"));
        answer.Detail!.ShouldContain("accounts invite");
    }

    [Theory, OnBothEngines]
    public async Task Deleting_and_signing_in_again_with_one_token_does_not_renew_the_free_quota(StorageEngine engine)
    {
        await using var scene = await Scene.StartAsync(engine, servers, static issuer => issuer.OidcSettings);
        var session = scene.With(scene.Issuer.Sign(scene.Issuer.OidcClaims("grace")));
        (await session.PostAsync("/usage", new { event_type = "migration", tier = "tier1" })).Status.ShouldBe(200);
        (await session.DeleteAccountAsync(password: null)).Status.ShouldBe(204);

        var again = scene.With(scene.Issuer.Sign(scene.Issuer.OidcClaims("grace", ("email", "other@example.com"))));

        (await again.GetAsync("/quota"))["migrations_used"].GetInt64().ShouldBe(1);
    }

    [Fact]
    public async Task A_token_that_a_standard_forbids_is_refused_though_its_issuer_signed_it()
    {
        using var logs = new TestLogs();
        var clock = new TestClock();
        await using var issuer = await TestIssuer.StartAsync(clock);
        await using var own = await OwnServer.StartAsync(
            StorageEngine.Sqlite,
            servers.Postgres,
            settings: new Dictionary<string, string?>(issuer.SupabaseSettings)
            {
                ["Logging:LogLevel:PyResolve.Server.Identity.ExternalTokens"] = "Information",
            },
            clock: clock,
            replace: logs.AddTo);
        var user = NewUser();
        var claims = issuer.SupabaseClaims(user);
        var json = claims.ToJsonString();
        var tokens = new Dictionary<string, string>
        {
            ["crit"] = issuer.Key.Sign(claims, ("crit", new JsonArray("exp"))),
            ["b64"] = issuer.Key.Sign(claims, ("b64", false)),
            ["zip"] = issuer.Key.Sign(claims, ("zip", "DEF")),
            ["typ) is not"] = issuer.Key.Sign(claims, ("typ", "pyr-lease+jwt")),
            ["exp is not a number"] = issuer.Sign(issuer.SupabaseClaims(user, ("exp", $"{issuer.At(TimeSpan.FromHours(1))}"))),
            ["nbf is not a number"] = issuer.Sign(issuer.SupabaseClaims(user, ("nbf", "0"))),
            ["a name twice"] = issuer.Key.SignText($"{json[..^1]},\"sub\":\"{NewUser()}\"}}"),
            ["its role"] = issuer.Sign(issuer.SupabaseClaims(user, ("role", "anon"))),
        };

        foreach (var (reason, token) in tokens)
        {
            (await new Caller(own.Server.Http, "Authorization", $"Bearer {token}").StatusAsync()).ShouldBe(401, reason);
            logs.Lines.ShouldContain(line => line.Contains(reason, StringComparison.Ordinal), reason);
        }

        (await new Caller(own.Server.Http, "Authorization", $"Bearer {issuer.Sign(claims)}").StatusAsync()).ShouldBe(200);
    }

    [Fact]
    public async Task A_short_RSA_key_that_the_issuer_publishes_is_not_used()
    {
        await using var scene = await Scene.StartAsync(StorageEngine.Sqlite, servers, static issuer => issuer.OidcSettings);
        scene.Issuer.Rotate(IssuerKey.Rsa("short", bits: 1024));

        (await scene.With(scene.Issuer.Sign(scene.Issuer.OidcClaims("grace"))).StatusAsync()).ShouldBe(401);
    }

    private static Dictionary<string, string?> OidcWithSignUp(TestIssuer issuer) =>
        new(issuer.OidcSettings) { ["PYRESOLVE_SIGNUP"] = "open" };

    /// <summary>As Supabase makes its ids.</summary>
    private static Guid NewUser()
    {
        Span<byte> bytes = stackalloc byte[16];
        Random.Shared.NextBytes(bytes);
        return new Guid(bytes);
    }

    /// <summary>The signature of one token under the header and payload of another.</summary>
    private static string Mix(string signature, string signed) =>
        signed[..signed.LastIndexOf('.')] + signature[signature.LastIndexOf('.')..];

    /// <summary>An issuer and a server that trusts it, on one clock.</summary>
    private sealed class Scene(TestIssuer issuer, OwnServer own) : IAsyncDisposable
    {
        public TestIssuer Issuer => issuer;

        public OwnServer Own => own;

        public static async Task<Scene> StartAsync(
            StorageEngine engine, SharedServers servers, Func<TestIssuer, Dictionary<string, string?>> settings)
        {
            var clock = new TestClock();
            var issuer = await TestIssuer.StartAsync(clock);
            return new Scene(issuer, await OwnServer.StartAsync(engine, servers.Postgres, settings: settings(issuer), clock: clock));
        }

        public Caller With(string token) => new(own.Server.Http, "Authorization", $"Bearer {token}");

        public async ValueTask DisposeAsync()
        {
            await own.DisposeAsync();
            await issuer.DisposeAsync();
        }
    }
}
