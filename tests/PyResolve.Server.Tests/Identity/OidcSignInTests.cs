using PyResolve.Server.Accounts;
using PyResolve.Server.Tests.Accounts;
using PyResolve.Server.Tests.Devices;

namespace PyResolve.Server.Tests.Identity;

public sealed class OidcSignInTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task A_person_comes_through_an_issuer_to_the_page_that_was_asked_for(StorageEngine engine)
    {
        await using var scene = await SignInScene.StartAsync(engine, servers);
        var visitor = new Visitor(scene.Own.Server);
        (await visitor.GetAsync("/sign-in?next=app/keys")).Text.ShouldContain("sign-in/with/example-login?next=app/keys");

        var back = await visitor.SignInAsync("app/keys");
        var page = await visitor.GetAsync("/app/keys");

        back.Status.ShouldBe(303, back.Text);
        scene.PathOf(back).ShouldBe("/app/keys");
        page.Status.ShouldBe(200);
        page.Text.ShouldContain("grace@example.com");
        var asked = scene.Issuer.SignIn.Asked;
        (asked["response_type"], asked["code_challenge_method"], asked["scope"]).ShouldBe(("code", "S256", "openid email profile"));
        asked["redirect_uri"].ShouldBe(new Uri(scene.Own.Server.Address, "/sign-in/with/example-login/callback").ToString());
        scene.Issuer.SignIn.Exchanges.ShouldBe([""]);
        (await scene.Own.Store.ReadNumberAsync("select count(*) from sessions where proved_at is null")).ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task Who_connects_a_device_comes_through_an_issuer_back_to_the_same_code(StorageEngine engine)
    {
        await using var scene = await SignInScene.StartAsync(engine, servers);
        var device = await Device.BeginAsync(scene.Own.Server.Http);
        var visitor = new Visitor(scene.Own.Server);
        var asked = await visitor.GetAsync($"/device?user_code={device.UserCode}");
        var strange = await visitor.GetAsync("/device?user_code=%22%3E%3Cb%3E");

        var back = await visitor.SignInAsync($"device?user_code={device.UserCode}");
        var compared = await visitor.GetAsync($"/device?user_code={device.UserCode}");
        await visitor.SendFormAsync("/device", new() { ["action"] = "approve", ["user_code"] = device.UserCode });

        asked.Text.ShouldContain($"href=\"sign-in/with/example-login?next=device?user_code={device.UserCode}\"");
        strange.Text.ShouldContain("href=\"sign-in/with/example-login?next=device\"");
        back.Status.ShouldBe(303, back.Text);
        back.Headers.Location!.OriginalString.ShouldBe($"../../../device?user_code={device.UserCode}");
        compared.Text.ShouldContain("Is this your device?");
        (await device.PollAsync())["user"].GetProperty("email").GetString().ShouldBe("grace@example.com");
    }

    [Theory]
    [InlineData("device?user_code=AAAA-BBBB&next=//evil.example")]
    [InlineData("device?user_code=//evil.example")]
    [InlineData("device/../../evil")]
    [InlineData("devices")]
    [InlineData("//device")]
    public void No_other_address_is_taken_for_a_devices_page(string next) => SignInPages.NextOf(next).ShouldBeNull();

    [Theory, OnBothEngines]
    public async Task It_is_the_account_that_the_issuers_tokens_open_in_the_API(StorageEngine engine)
    {
        await using var scene = await SignInScene.StartAsync(engine, servers);
        var api = new Caller(scene.Own.Server.Http, "Authorization", $"Bearer {scene.Issuer.Sign(scene.Issuer.OidcClaims("grace"))}");
        var me = await api.GetAsync("/me");

        (await new Visitor(scene.Own.Server).SignInAsync()).Status.ShouldBe(303);
        (await new Visitor(scene.Own.Server).SignInAsync()).Status.ShouldBe(303);

        me.Status.ShouldBe(200);
        (await scene.Own.Store.ReadNumberAsync("select count(*) from profiles")).ShouldBe(1);
        (await scene.Own.Store.ReadNumberAsync(
            $"select count(*) from sessions where user_id = '{me["user_id"].GetGuid()}'")).ShouldBe(2);
    }

    [Theory, OnBothEngines]
    public async Task The_second_factor_of_the_account_is_asked_for_as_well(StorageEngine engine)
    {
        await using var scene = await SignInScene.StartAsync(engine, servers);
        var secured = await SecuredAccount.CreateAsync(scene.Own);
        await scene.LinkAsync("grace", secured.Account.Email);
        var visitor = new Visitor(scene.Own.Server);

        var asked = await visitor.SignInAsync("app/usage");
        var early = await visitor.GetAsync("/app");
        var pending = asked.Text.Split("name=\"pending\" value=\"")[1].Split('"')[0];
        var wrong = await visitor.SendFormAsync("/sign-in/code", new() { ["pending"] = pending, ["code"] = secured.App.WrongCode() });
        var right = await visitor.SendFormAsync("/sign-in/code", new() { ["pending"] = pending, ["code"] = secured.App.Code() });

        (asked.Status, early.Status, wrong.Status, right.Status).ShouldBe((200, 303, 401, 303), asked.Text);
        scene.PathOf(right, "/sign-in/code").ShouldBe("/app/usage");
        (await visitor.GetAsync("/app/usage")).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task One_instance_sends_the_browser_to_the_issuer_and_another_takes_it_back(StorageEngine engine)
    {
        var key = Convert.ToBase64String(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32));
        Dictionary<string, string?> shared = new()
        {
            ["PYRESOLVE_ENCRYPTION_KEY"] = key, ["PYRESOLVE_PUBLIC_URL"] = "http://localhost:8000",
        };
        await using var scene = await SignInScene.StartAsync(engine, servers, _ => shared);
        await using var other = await TestServer.StartAsync(scene.Own.Store, scene.Settings, scene.Own.Clock);
        var visitor = new Visitor(scene.Own.Server);
        var callback = await visitor.AuthorizeAsync(await visitor.BeginAsync());

        visitor.Server = other;
        var back = await visitor.GetAsync(callback);

        back.Status.ShouldBe(303, back.Text);
        (await visitor.GetAsync("/app")).Status.ShouldBe(200);
    }

    [Fact]
    public async Task An_address_that_another_account_has_is_answered_with_a_page_that_says_what_to_do()
    {
        await using var scene = await SignInScene.StartAsync(StorageEngine.Sqlite, servers);
        await scene.Own.SignUpAsync("grace@example.com");
        scene.Issuer.SignIn.Changes = [("email_verified", false)];
        var visitor = new Visitor(scene.Own.Server);

        var back = await visitor.SignInAsync();

        back.Status.ShouldBe(409);
        back.Text.ShouldContain("Sign in that way");
        back.Text.ShouldContain("action=\"../../../sign-in\"");
        visitor.Session.ShouldBeNull();
    }

    [Fact]
    public async Task While_the_issuer_is_down_the_page_says_so_and_a_password_still_works()
    {
        await using var scene = await SignInScene.StartAsync(StorageEngine.Sqlite, servers);
        var visitor = new Visitor(scene.Own.Server);
        var callback = await visitor.AuthorizeAsync(await visitor.BeginAsync());
        scene.Issuer.IsDown = true;

        var back = await visitor.GetAsync(callback);

        back.Status.ShouldBe(503, back.Text);
        back.Headers.RetryAfter.ShouldNotBeNull();
        back.Text.ShouldContain("Example Login does not answer");
        back.Text.ShouldContain("type=\"password\"");
    }

    [Fact]
    public async Task An_issuer_without_a_client_has_no_button_and_its_address_leads_to_the_sign_in_page()
    {
        var server = await servers.OnAsync(StorageEngine.Sqlite);
        var visitor = new Visitor(server);

        var page = await visitor.GetAsync("/sign-in");
        var begun = await visitor.GetAsync("/sign-in/with/example-login");
        var back = await visitor.GetAsync("/sign-in/with/example-login/callback?code=x&state=y");

        page.Text.ShouldNotContain("Continue with");
        (begun.Status, back.Status).ShouldBe((303, 303));
    }
}
