using System.Text.Json.Nodes;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Configuration;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Tests.Identity;

/// <summary>Somebody who can send a person to any address, and runs an issuer of their own.</summary>
public sealed class OidcAttackTests(SharedServers servers)
{
    [Fact]
    public async Task A_browser_that_did_not_begin_the_sign_in_gets_no_session()
    {
        await using var scene = await SignInScene.StartAsync(StorageEngine.Sqlite, servers);
        var attacker = new Visitor(scene.Own.Server);
        var victim = new Visitor(scene.Own.Server);
        var callback = await attacker.AuthorizeAsync(await attacker.BeginAsync());

        var without = await victim.GetAsync(callback);
        await victim.BeginAsync();
        var withOwn = await victim.GetAsync(callback);

        await RefusedAsync(scene, victim, without, withOwn);
    }

    [Fact]
    public async Task A_return_works_once()
    {
        await using var scene = await SignInScene.StartAsync(StorageEngine.Sqlite, servers);
        var visitor = new Visitor(scene.Own.Server);
        var callback = await visitor.AuthorizeAsync(await visitor.BeginAsync());
        (await visitor.GetAsync(callback)).Status.ShouldBe(303);

        var again = await visitor.GetAsync(callback);

        again.Status.ShouldBe(401);
        (await scene.Own.Store.ReadNumberAsync("select count(*) from sessions")).ShouldBe(1);
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("AAAA")]
    [InlineData("AHsiUmVkaXJlY3RVcmkiOiJhcHAifQ")]
    public async Task A_state_that_the_server_did_not_seal_is_refused(string state)
    {
        await using var scene = await SignInScene.StartAsync(StorageEngine.Sqlite, servers);
        var visitor = new Visitor(scene.Own.Server);
        var callback = new Uri(scene.Own.Server.Address, await visitor.AuthorizeAsync(await visitor.BeginAsync()));
        var code = QueryHelpers.ParseQuery(callback.Query)["code"].ToString();

        var back = await visitor.GetAsync($"{callback.AbsolutePath}?code={code}&state={state}");

        await RefusedAsync(scene, visitor, back);
        scene.Issuer.SignIn.Exchanges.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_stolen_code_is_worth_nothing_without_the_verifier_of_its_browser()
    {
        await using var scene = await SignInScene.StartAsync(StorageEngine.Sqlite, servers);
        var victim = new Visitor(scene.Own.Server);
        var attacker = new Visitor(scene.Own.Server);
        var stolen = QueryOf(await victim.AuthorizeAsync(await victim.BeginAsync()))["code"];
        var own = QueryOf(await attacker.AuthorizeAsync(await attacker.BeginAsync()))["state"];

        var back = await attacker.GetAsync($"/sign-in/with/example-login/callback?code={stolen}&state={Uri.EscapeDataString(own)}");

        await RefusedAsync(scene, attacker, back);
        scene.Issuer.SignIn.Exchanges.ShouldBe(["the verifier is wrong"]);
    }

    [Fact]
    public async Task A_token_that_is_not_for_this_sign_in_opens_no_session()
    {
        await using var scene = await SignInScene.StartAsync(StorageEngine.Sqlite, servers);
        var signIn = scene.Issuer.SignIn;
        var tokens = new Dictionary<string, (string, JsonNode?)[]>
        {
            ["another nonce"] = [("nonce", "639000000000000000.another")],
            ["no nonce"] = [("nonce", null)],
            ["another audience"] = [("aud", "pyresolve")],
            ["another issuer"] = [("iss", "https://evil.example.com")],
            ["no subject"] = [("sub", null)],
            ["expired"] = [("exp", scene.Issuer.At(TimeSpan.FromMinutes(-2)))],
            ["not yet"] = [("nbf", scene.Issuer.At(TimeSpan.FromMinutes(5)))],
            ["no email"] = [("email", null)],
        };

        foreach (var (what, changes) in tokens)
        {
            signIn.Changes = changes;
            (await new Visitor(scene.Own.Server).SignInAsync()).Status.ShouldBe(401, what);
        }

        signIn.Changes = [];
        foreach (var key in (IssuerKey[])[IssuerKey.Ec("first"), IssuerKey.None, IssuerKey.Hmac("first", new byte[32])])
        {
            signIn.Sign = claims => key.Sign(claims);
            (await new Visitor(scene.Own.Server).SignInAsync()).Status.ShouldBe(401, key.Algorithm);
        }

        signIn.Sign = claims => WithoutSignature(scene.Issuer.Sign(claims));
        (await new Visitor(scene.Own.Server).SignInAsync()).Status.ShouldBe(401, "the signature is cut off");

        (await scene.Own.Store.ReadNumberAsync("select count(*) from sessions")).ShouldBe(0);
        signIn.Sign = null;
        (await new Visitor(scene.Own.Server).SignInAsync()).Status.ShouldBe(303);
    }

    [Theory]
    [InlineData("https://evil.example")]
    [InlineData("//evil.example")]
    [InlineData("app/../../evil")]
    [InlineData("javascript:alert(1)")]
    public async Task No_address_in_a_link_sends_the_person_to_another_site(string next)
    {
        await using var scene = await SignInScene.StartAsync(StorageEngine.Sqlite, servers);

        var back = await new Visitor(scene.Own.Server).SignInAsync(next);

        scene.PathOf(back).ShouldBe("/app");
    }

    [Fact]
    public async Task A_refusal_of_the_issuer_is_a_page_of_ours_with_the_next_step_and_none_of_its_words()
    {
        await using var scene = await SignInScene.StartAsync(StorageEngine.Sqlite, servers);
        scene.Issuer.SignIn.IsDenied = true;
        var visitor = new Visitor(scene.Own.Server);

        var denied = await visitor.SignInAsync();
        var invented = await visitor.GetAsync(
            "/sign-in/with/example-login/callback?error=server_error&error_description=%3Cb%3ECall%20%2B1%20555%200100");

        denied.Text.ShouldContain("Example Login says that you did not agree");
        denied.Text.ShouldContain("Continue with Example Login");
        denied.Text.ShouldNotContain("555");
        invented.Text.ShouldNotContain("555");
        await RefusedAsync(scene, visitor, denied, invented);
    }

    [Fact]
    public void Instances_that_share_a_database_must_share_a_key()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["DATABASE_URL"] = "postgres://localhost/x",
            ["PyResolve:Oidc:0:Issuer"] = "https://login.example.com",
            ["PyResolve:Oidc:0:Audience"] = "pyresolve",
            ["PyResolve:Oidc:0:ClientId"] = "pages",
        }).Build();
        var builder = ServerApp.CreateBuilder([]);
        builder.Configuration.AddConfiguration(configuration);

        var start = () => ServerApp.Build(builder);

        start.ShouldThrow<InvalidConfigurationException>().Message.ShouldContain("PYRESOLVE_ENCRYPTION_KEY");
    }

    private static string WithoutSignature(string token) => token[..(token.LastIndexOf('.') + 1)];

    private static Dictionary<string, string> QueryOf(string callback) =>
        QueryHelpers.ParseQuery(callback[callback.IndexOf('?', StringComparison.Ordinal)..])
            .ToDictionary(pair => pair.Key, pair => pair.Value.ToString());

    private static async Task RefusedAsync(SignInScene scene, Visitor visitor, params Answer[] answers)
    {
        answers.ShouldAllBe(answer => answer.Status == 401 && answer.Text.Contains("role=\"alert\"", StringComparison.Ordinal));
        visitor.Session.ShouldBeNull();
        (await scene.Own.Store.ReadNumberAsync("select count(*) from sessions")).ShouldBe(0);
    }
}
