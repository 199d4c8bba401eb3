using System.Text.RegularExpressions;
using PyResolve.Server.Tests.Devices;
using PyResolve.Server.Tests.Email;

namespace PyResolve.Server.Tests.Accounts;

public sealed partial class SignInPageTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task A_person_signs_up_and_gets_a_session_and_a_key_that_works(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var person = new Person(server);

        var ready = await person.SendFormAsync("/sign-up", SignUp("new@example.com"));

        ready.Status.ShouldBe(200, ready.Text);
        ready.Headers.CacheControl!.NoStore.ShouldBeTrue();
        var key = Secret().Match(ready.Text).Groups["key"].Value;
        (await server.WithKey(key).GetAsync("/me"))["email"].GetString().ShouldBe("new@example.com");
        (await person.GetAsync("/app")).Status.ShouldBe(200);
        (await person.GetAsync("/sign-up")).Status.ShouldBe(303);
    }

    [Theory, OnBothEngines]
    public async Task What_is_wrong_with_a_sign_up_stands_at_its_field_and_no_password_is_shown_again(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var taken = await servers.SignUpAsync(engine);
        var person = new Person(server);

        var bad = await person.SendFormAsync("/sign-up", new() { ["email"] = "\"><b>", ["password"] = "short1!", ["name"] = "Ada" });
        var again = await person.SendFormAsync("/sign-up", SignUp(taken.Email));

        (bad.Status, again.Status).ShouldBe((422, 409));
        bad.Text.ShouldContain("""<p class="error" id="email-error">""");
        bad.Text.ShouldContain("""<p class="error" id="password-error">""");
        bad.Text.ShouldContain("aria-describedby=\"password-hint password-error\"");
        bad.Text.ShouldContain("value=\"Ada\"");
        bad.Text.ShouldNotContain("short1!");
        bad.Text.ShouldNotContain("<b>");
        again.Text.ShouldContain("role=\"alert\"");
        person.SetCookie.ShouldBeNull();
    }

    [Fact]
    public async Task Where_sign_up_is_closed_the_page_says_so()
    {
        await using var own = await OwnServer.StartAsync(
            StorageEngine.Sqlite, servers.Postgres, settings: new Dictionary<string, string?> { ["PYRESOLVE_SIGNUP"] = "closed" });
        var person = new Person(own.Server);

        var page = await person.GetAsync("/sign-up");
        var sent = await person.SendFormAsync("/sign-up", SignUp("new@example.com"));

        (page.Status, sent.Status).ShouldBe((403, 403));
        page.Text.ShouldContain("Sign-up is closed");
        (await person.GetAsync("/sign-in")).Text.ShouldNotContain("Create an account");
        (await own.Store.ReadNumberAsync("select count(*) from profiles")).ShouldBe(0);
    }

    [Theory]
    [InlineData("https://evil.example")]
    [InlineData("//evil.example")]
    [InlineData("/\\evil.example")]
    [InlineData("app/../../evil")]
    [InlineData("app/%2e%2e/device")]
    [InlineData("app.evil.example")]
    [InlineData("application")]
    [InlineData("javascript:alert(1)")]
    [InlineData("app\r\nSet-Cookie: x=y")]
    [InlineData("devices")]
    public async Task After_signing_in_no_link_leads_anywhere_but_to_a_page_of_the_account(string next)
    {
        var server = await servers.OnAsync(StorageEngine.Sqlite);
        var account = await servers.SignUpAsync(StorageEngine.Sqlite);
        var person = new Person(server);

        var form = await person.GetAsync($"/sign-in?next={Uri.EscapeDataString(next)}");
        var answer = await person.SendFormAsync(
            "/sign-in", new() { ["email"] = account.Email, ["password"] = TestAccount.Password, ["next"] = next });
        var signedIn = await person.GetAsync($"/sign-in?next={Uri.EscapeDataString(next)}");

        form.Text.ShouldNotContain("name=\"next\"");
        (answer.Status, answer.Headers.Location!.OriginalString).ShouldBe((303, "app"));
        (signedIn.Status, signedIn.Headers.Location!.OriginalString).ShouldBe((303, "app"));
    }

    [Theory, OnBothEngines]
    public async Task A_wrong_password_and_an_unknown_address_are_answered_alike(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var account = await servers.SignUpAsync(engine);
        var person = new Person(server);

        var wrong = await SignInAsync(person, account.Email, AccountDriver.WrongPassword);
        var unknown = await SignInAsync(person, "nobody@example.com", AccountDriver.WrongPassword);

        wrong.Status.ShouldBe(401);
        wrong.Text.ShouldContain("Wrong email or password.");
        wrong.Text.ShouldNotContain(AccountDriver.WrongPassword);
        unknown.Text.ShouldBe(wrong.Text.Replace(account.Email, "nobody@example.com"));
        person.SetCookie.ShouldBeNull();
    }

    [Theory, OnBothEngines]
    public async Task Guessing_on_the_page_is_throttled_as_it_is_on_the_API(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var person = new Person(own.Server);
        for (var i = 0; i < 20; i++)
            await SignInAsync(person, account.Email, AccountDriver.WrongPassword);

        var refused = await SignInAsync(person, account.Email, AccountDriver.WrongPassword);

        (refused.Status, refused.ContentType).ShouldBe((429, "text/html"));
        refused.Headers.RetryAfter.ShouldNotBeNull();
    }

    [Theory, OnBothEngines]
    public async Task Signing_out_ends_the_session(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var account = await servers.SignUpAsync(engine);
        var person = await Person.SignedInAsync(server, account);
        var cookie = person.Cookie!;

        var answer = await person.SendFormAsync("/sign-out", []);

        (answer.Status, answer.Headers.Location!.OriginalString).ShouldBe((303, "sign-in"));
        (await server.Anonymous.SendAsync(HttpMethod.Get, "/app", body: null, [("Cookie", cookie)])).Status.ShouldBe(303);
    }

    [Theory, OnBothEngines]
    public async Task A_forgotten_password_is_answered_alike_for_every_address_and_only_an_account_gets_an_email(StorageEngine engine)
    {
        using var mailbox = new TestMailbox();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: mailbox.Settings);
        var account = await own.SignUpAsync();
        var person = new Person(own.Server);

        var known = await person.SendFormAsync("/forgot", new() { ["email"] = account.Email });
        var unknown = await person.SendFormAsync("/forgot", new() { ["email"] = "nobody@example.com" });
        var bad = await person.SendFormAsync("/forgot", new() { ["email"] = "nobody" });

        (known.Status, unknown.Status, bad.Status).ShouldBe((200, 200, 422));
        unknown.Text.ShouldBe(known.Text);
        (await person.GetAsync($"/reset-password?token={await mailbox.TokenAsync(account.Email, "reset-password")}")).Status.ShouldBe(200);
        await TestMailbox.WaitUntilSentAsync(own.Store);
        mailbox.Links("nobody@example.com", "reset-password").ShouldBeEmpty();
    }

    [Fact]
    public async Task Passwords_are_not_taken_over_plain_http_from_elsewhere()
    {
        var server = await servers.OnAsync(StorageEngine.Sqlite);
        var account = await servers.SignUpAsync(StorageEngine.Sqlite);
        foreach (var page in (string[])["/sign-in", "/sign-up"])
        {
            using var form = new FormUrlEncodedContent(SignUp(account.Email));
            var answer = await server.Anonymous.SendAsync(
                HttpMethod.Post, page, form, [("Sec-Fetch-Site", "same-origin"), ("Origin", "http://billing.example.com")]);

            answer.Status.ShouldBe(403, page);
            answer.Text.ShouldContain("https");
        }
    }

    private static Dictionary<string, string> SignUp(string email) => new() { ["email"] = email, ["password"] = TestAccount.Password };

    private static Task<Answer> SignInAsync(Person person, string email, string password) =>
        person.SendFormAsync("/sign-in", new() { ["email"] = email, ["password"] = password });

    [GeneratedRegex("data-once>(?<key>pyr_live_[0-9a-f]{48})<", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Secret();
}
