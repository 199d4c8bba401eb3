using System.Text.Json.Nodes;
using PyResolve.Server.Hosting;
using PyResolve.Server.Tests.Accounts;
using PyResolve.Server.Tests.Hosting;

namespace PyResolve.Server.Tests.Identity;

/// <summary>Accounts of people who come with a token of an identity provider.</summary>
public sealed class IdentityTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task The_first_request_of_a_Supabase_user_creates_an_account(StorageEngine engine)
    {
        await using var scene = await IdentityScene.StartAsync(engine, servers, static issuer => issuer.SupabaseSettings);
        var user = IdentityScene.NewUser();
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
        await using var scene = await IdentityScene.StartAsync(engine, servers, static issuer => issuer.OidcSettings);
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
        await using var scene = await IdentityScene.StartAsync(StorageEngine.Sqlite, servers, static issuer => issuer.SupabaseSettings);
        var claims = scene.Issuer.SupabaseClaims(
            IdentityScene.NewUser(), ("user_metadata", JsonNode.Parse(metadata)), ("email", "Ada@Example.com"));

        (await scene.With(scene.Issuer.Sign(claims)).StatusAsync()).ShouldBe(200);

        (await scene.Own.Store.ReadSqlAsync("select name from profiles")).ShouldBe(expected);
        (await scene.Own.Store.ReadSqlAsync("select email from profiles")).ShouldBe("ada@example.com");
    }

    [Theory, OnBothEngines]
    public async Task A_profile_that_the_trigger_of_Supabase_created_is_used(StorageEngine engine)
    {
        await using var scene = await IdentityScene.StartAsync(engine, servers, static issuer => issuer.SupabaseSettings);
        var user = IdentityScene.NewUser();
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
    public async Task A_token_cannot_be_logged_out_here_but_its_account_can_be_deleted(StorageEngine engine)
    {
        await using var scene = await IdentityScene.StartAsync(engine, servers, static issuer => issuer.SupabaseSettings);
        var session = scene.With(scene.Issuer.Sign(scene.Issuer.SupabaseClaims(IdentityScene.NewUser())));
        (await session.PostAsync("/auth/logout")).Status.ShouldBe(409);
        (await session.ChangePasswordAsync("a new password")).Status.ShouldBe(409);

        (await session.DeleteAccountAsync(password: null)).Status.ShouldBe(204);

        (await session.StatusAsync()).ShouldBe(401);
        (await scene.Own.Store.ReadNumberAsync("select count(*) from identities")).ShouldBe(0);
        (await scene.Own.Store.ReadNumberAsync("select count(*) from profiles where email = ''")).ShouldBe(1);
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
    public async Task Deleting_and_signing_in_again_with_one_token_does_not_renew_the_free_quota(StorageEngine engine)
    {
        await using var scene = await IdentityScene.StartAsync(engine, servers, static issuer => issuer.OidcSettings);
        var session = scene.With(scene.Issuer.Sign(scene.Issuer.OidcClaims("grace")));
        (await session.PostAsync("/usage", new { event_type = "migration", tier = "tier1" })).Status.ShouldBe(200);
        (await session.DeleteAccountAsync(password: null)).Status.ShouldBe(204);

        var again = scene.With(scene.Issuer.Sign(scene.Issuer.OidcClaims("grace", ("email", "other@example.com"))));

        (await again.GetAsync("/quota"))["migrations_used"].GetInt64().ShouldBe(1);
    }
}
