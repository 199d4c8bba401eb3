using System.Text.Json.Nodes;
using PyResolve.Server.Tests.Accounts;
using PyResolve.Server.Tests.Email;

namespace PyResolve.Server.Tests.Identity;

/// <summary>Whose an address is, when a token names one that a local account has.</summary>
public sealed class AddressOwnershipTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task An_email_in_a_token_does_not_open_an_account(StorageEngine engine)
    {
        await using var scene = await IdentityScene.StartAsync(engine, servers, OidcWithSignUp);
        var victim = await scene.Own.SignUpAsync("grace@example.com");

        var answer = await scene.With(scene.Issuer.Sign(scene.Issuer.OidcClaims("mallory", ("email_verified", false)))).GetAsync("/me");

        answer.Status.ShouldBe(409);
        answer.Code.ShouldBe("conflict");
        (await scene.Own.Store.ReadNumberAsync("select count(*) from identities")).ShouldBe(0);
        (await victim.Session.StatusAsync()).ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task An_account_that_nobody_proved_does_not_keep_a_person_of_the_identity_provider_out(StorageEngine engine)
    {
        await using var scene = await IdentityScene.StartAsync(engine, servers, OidcWithSignUp);
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
        await using var scene = await IdentityScene.StartAsync(
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
        await using var scene = await IdentityScene.StartAsync(
            engine, servers, static issuer => new(issuer.SupabaseSettings) { ["PyResolve:Supabase:ConfirmsEmails"] = "true" });
        var user = IdentityScene.NewUser();
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
        await using var scene = await IdentityScene.StartAsync(engine, servers, static issuer => issuer.SupabaseSettings);
        var user = IdentityScene.NewUser();
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
        await using var scene = await IdentityScene.StartAsync(
            StorageEngine.Sqlite, servers, static issuer => new(issuer.OidcSettings) { ["PYRESOLVE_SIGNUP"] = "closed" });

        var answer = await scene.Own.Server.Anonymous.PostAsync(
            "/auth/signup", new { email = "grace@example.com", password = TestAccount.Password });

        (answer.Status, answer.Code).ShouldBe((403, "signup_closed"));
        answer.Detail!.ShouldContain("accounts invite");
    }

    private static Dictionary<string, string?> OidcWithSignUp(TestIssuer issuer) =>
        new(issuer.OidcSettings) { ["PYRESOLVE_SIGNUP"] = "open" };
}
