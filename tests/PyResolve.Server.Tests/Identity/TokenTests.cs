using System.Text.Json.Nodes;
using PyResolve.Server.Tests.Accounts;
using PyResolve.Server.Tests.Hosting;

namespace PyResolve.Server.Tests.Identity;

/// <summary>Which tokens of an identity provider are accepted, and how its keys are fetched.</summary>
public sealed class TokenTests(SharedServers servers)
{
    [Fact]
    public async Task An_invalid_token_is_refused()
    {
        await using var scene = await IdentityScene.StartAsync(StorageEngine.Sqlite, servers, static issuer => issuer.SupabaseSettings);
        var issuer = scene.Issuer;
        var user = IdentityScene.NewUser();
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
            ["no email"] = issuer.Sign(Claims(("email", null))),
            ["unsigned"] = IssuerKey.None.Sign(Claims()),
            ["signature cut off"] = good[..(good.LastIndexOf('.') + 1)],
            ["another's key under our key's id"] = IssuerKey.Ec(issuer.Key.Id).Sign(Claims()),
            ["another's RSA key under our key's id"] = IssuerKey.Rsa(issuer.Key.Id).Sign(Claims()),
            ["an unknown key"] = IssuerKey.Ec("unknown").Sign(Claims()),
            ["the public key as a secret"] = IssuerKey.Hmac(issuer.Key.Id, publicKey).Sign(Claims()),
            ["another payload"] = Mix(good, issuer.Sign(Claims(("sub", IdentityScene.NewUser().ToString())))),
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
        await using var scene = await IdentityScene.StartAsync(StorageEngine.Sqlite, servers, static issuer => issuer.SupabaseSettings);
        var claims = scene.Issuer.SupabaseClaims(
            IdentityScene.NewUser(),
            ("exp", scene.Issuer.At(TimeSpan.FromSeconds(-55))),
            ("nbf", scene.Issuer.At(TimeSpan.FromSeconds(55))));

        (await scene.With(scene.Issuer.Sign(claims)).StatusAsync()).ShouldBe(200);
    }

    [Fact]
    public async Task A_published_secret_is_not_accepted_as_a_key()
    {
        await using var scene = await IdentityScene.StartAsync(StorageEngine.Sqlite, servers, static issuer => issuer.SupabaseSettings);
        scene.Issuer.Rotate(IssuerKey.Hmac("secret", new byte[32]));

        (await scene.With(scene.Issuer.Sign(scene.Issuer.SupabaseClaims(IdentityScene.NewUser()))).StatusAsync()).ShouldBe(401);
    }

    [Theory, OnBothEngines]
    public async Task The_shared_secret_of_Supabase_is_enough(StorageEngine engine)
    {
        const string Secret = "super-secret-jwt-token-with-at-least-32-characters-long";
        await using var scene = await IdentityScene.StartAsync(engine, servers, static _ => new() { ["SUPABASE_JWT_SECRET"] = Secret });
        var user = IdentityScene.NewUser();
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
        await using var scene = await IdentityScene.StartAsync(engine, servers, static issuer => issuer.OidcSettings);
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
        await using var scene = await IdentityScene.StartAsync(StorageEngine.Sqlite, servers, static issuer => issuer.SupabaseSettings);
        var claims = scene.Issuer.SupabaseClaims(IdentityScene.NewUser());
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
        await using var scene = await IdentityScene.StartAsync(StorageEngine.Sqlite, servers, static issuer => issuer.SupabaseSettings);
        var session = scene.With(scene.Issuer.Sign(scene.Issuer.SupabaseClaims(IdentityScene.NewUser())));
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
        await using var scene = await IdentityScene.StartAsync(StorageEngine.Sqlite, servers, static issuer => issuer.SupabaseSettings);
        var session = scene.With(scene.Issuer.Sign(scene.Issuer.SupabaseClaims(IdentityScene.NewUser())));
        (await session.StatusAsync()).ShouldBe(200);
        scene.Issuer.Rotate(IssuerKey.Ec("second"));

        scene.Own.Clock.Advance(TimeSpan.FromMinutes(11));

        await Eventually.IsTrueAsync(
            async () => await session.StatusAsync() == 401, cancellationToken: TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Without_trusted_issuers_no_token_is_accepted()
    {
        var server = await servers.OnAsync(StorageEngine.Sqlite);

        var answer = await new Caller(server.Http, "Authorization", "Bearer a.b.c").GetAsync("/me");

        answer.Status.ShouldBe(401);
        answer.Detail.ShouldBe("Invalid API key format");
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
        var user = IdentityScene.NewUser();
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
            ["a name twice"] = issuer.Key.SignText($"{json[..^1]},\"sub\":\"{IdentityScene.NewUser()}\"}}"),
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
        await using var scene = await IdentityScene.StartAsync(StorageEngine.Sqlite, servers, static issuer => issuer.OidcSettings);
        scene.Issuer.Rotate(IssuerKey.Rsa("short", bits: 1024));

        (await scene.With(scene.Issuer.Sign(scene.Issuer.OidcClaims("grace"))).StatusAsync()).ShouldBe(401);
    }

    /// <summary>The signature of one token under the header and payload of another.</summary>
    private static string Mix(string signature, string signed) =>
        signed[..signed.LastIndexOf('.')] + signature[signature.LastIndexOf('.')..];
}
