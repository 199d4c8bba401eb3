using System.Text.RegularExpressions;
using PyResolve.Server.Tests.Accounts;
using PyResolve.Server.Tests.Devices;
using PyResolve.Server.Tests.Email;

namespace PyResolve.Server.Tests.Site;

public sealed partial class SettingsPageTests(SharedServers servers)
{
    private const string NewPassword = "a much better password";

    [Theory, OnBothEngines]
    public async Task The_name_and_the_password_are_changed_and_what_is_wrong_stands_at_its_field(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var account = await servers.SignUpAsync(engine);
        var person = await Person.SignedInAsync(server, account);

        var renamed = await person.SendFormAsync("/app/settings/name", new() { ["name"] = "<b>Ada" });
        var nameless = await person.SendFormAsync("/app/settings/name", []);
        var wrong = await person.SendFormAsync("/app/settings/password", Password(AccountDriver.WrongPassword, NewPassword, NewPassword));
        var differs = await person.SendFormAsync("/app/settings/password", Password(TestAccount.Password, NewPassword, "another one"));
        var changed = await person.SendFormAsync("/app/settings/password", Password(TestAccount.Password, NewPassword, NewPassword));

        (renamed.Status, nameless.Status, wrong.Status, differs.Status, changed.Status).ShouldBe((303, 422, 401, 422, 303));
        nameless.Text.ShouldContain("id=\"own-name-error\"");
        differs.Text.ShouldContain("id=\"repeated-error\"");
        wrong.Text.ShouldNotContain(AccountDriver.WrongPassword);
        var page = await person.GetAsync("/app/settings?saved=password");
        page.Text.ShouldContain("&lt;b&gt;Ada");
        page.Text.ShouldContain("role=\"status\"");
        (await account.Session.StatusAsync()).ShouldBe(401);
        (await server.LogInAsync(account.Email, NewPassword)).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task Sessions_are_shown_with_their_program_and_ended_one_by_one_or_all_others(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var account = await servers.SignUpAsync(engine);
        await new Caller(server.Http, "User-Agent", "<i>stolen/1.0").PostAsync(
            "/auth/login", new { email = account.Email, password = TestAccount.Password });
        var person = await Person.SignedInAsync(server, account);
        var stranger = await Person.SignedInAsync(server, await servers.SignUpAsync(engine));

        var page = await person.GetAsync("/app/settings");
        var end = EndSession().Match(page.Text).Groups["path"].Value;
        var others = await stranger.SendFormAsync($"/app/{end}", []);
        var one = await person.SendFormAsync($"/app/{end}", []);
        var left = EndSession().Count((await person.GetAsync("/app/settings")).Text);
        var all = await person.SendFormAsync("/app/settings/sessions/end-others", []);

        page.Text.ShouldContain("&lt;i&gt;stolen/1.0");
        page.Text.ShouldContain("127.0.0.1");
        (EndSession().Count(page.Text), left).ShouldBe((2, 1));
        (others.Status, one.Status, all.Status).ShouldBe((404, 303, 303));
        (await account.Session.StatusAsync()).ShouldBe(401);
        (await person.GetAsync("/app/settings")).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task Many_sessions_are_shown_page_by_page_each_once(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var account = await servers.SignUpAsync(engine);
        for (var i = 0; i < 55; i++)
        {
            var logIn = await new Caller(server.Http, "User-Agent", $"program/{i}.").PostAsync(
                "/auth/login", new { email = account.Email, password = TestAccount.Password });
            logIn.Status.ShouldBe(200, logIn.Text);
        }

        var person = await Person.SignedInAsync(server, account);

        var first = await person.GetAsync("/app/settings");
        var second = await person.GetAsync($"/app/settings?{NextPage().Match(first.Text).Groups["query"].Value.Split('#')[0]}");

        (PageTable.Rows(first.Text).Count, PageTable.Rows(second.Text).Count).ShouldBe((50, 7));
        first.Text.ShouldContain("program/54.");
        second.Text.ShouldContain("program/0.");
        second.Text.ShouldContain("Latest sessions");
        first.Text.Length.ShouldBeLessThan(60_000);
        (await person.GetAsync("/app/settings?cursor=x")).Status.ShouldBe(400);
    }

    [Theory, OnBothEngines]
    public async Task An_account_is_deleted_with_its_password_and_its_typed_address(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var account = await servers.SignUpAsync(engine);
        var person = await Person.SignedInAsync(server, account);

        var page = await person.GetAsync("/app/settings/delete");
        var untyped = await DeleteAsync(person, "yes", TestAccount.Password);
        var wrong = await DeleteAsync(person, account.Email, AccountDriver.WrongPassword);
        var still = await account.Key.StatusAsync();
        var deleted = await DeleteAsync(person, account.Email.ToUpperInvariant(), TestAccount.Password);

        page.Text.ShouldContain("What is lost");
        (untyped.Status, wrong.Status, still, deleted.Status).ShouldBe((422, 401, 200, 200));
        untyped.Text.ShouldContain("id=\"typed-error\"");
        (await account.Key.StatusAsync()).ShouldBe(401);
        (await person.GetAsync("/app")).Status.ShouldBe(303);
    }

    [Theory, OnBothEngines]
    public async Task A_new_address_is_confirmed_by_its_mailbox(StorageEngine engine)
    {
        using var mailbox = new TestMailbox();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: mailbox.Settings);
        var account = await own.SignUpAsync();
        var person = await Person.SignedInAsync(own.Server, account);
        Dictionary<string, string> form = new() { ["new_email"] = "new@example.com", ["email_password"] = TestAccount.Password };

        var wrong = await person.SendFormAsync("/app/settings/email", new(form) { ["email_password"] = "" });
        var asked = await person.SendFormAsync("/app/settings/email", form);
        var token = await mailbox.TokenAsync("new@example.com", "change-email");
        await person.SendFormAsync("/change-email", new() { ["token"] = token });

        (wrong.Status, asked.Status).ShouldBe((422, 303));
        wrong.Text.ShouldContain("id=\"email_password-error\"");
        (await person.GetAsync("/app/settings")).Text.ShouldContain("<strong>new@example.com</strong>");
    }

    [Theory, OnBothEngines]
    public async Task The_second_factor_is_turned_on_and_off_with_the_password_and_a_code(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var person = await Person.SignedInAsync(own.Server, account);
        const string Page = "/app/settings/second-factor";

        var refused = await person.SendFormAsync(Page, new() { ["password"] = AccountDriver.WrongPassword });
        var begun = await person.SendFormAsync(Page, new() { ["password"] = TestAccount.Password });
        var app = new Authenticator(SecretText().Match(begun.Text).Groups["secret"].Value, own.Clock);
        var wrong = await person.SendFormAsync($"{Page}/confirm", new() { ["code"] = app.WrongCode() });
        var on = await person.SendFormAsync($"{Page}/confirm", new() { ["code"] = app.Code() });
        own.Clock.Advance(TimeSpan.FromSeconds(30));
        Dictionary<string, string> off = new() { ["password"] = TestAccount.Password, ["code"] = app.Code() };
        var withoutPassword = await person.SendFormAsync($"{Page}/remove", new(off) { ["password"] = AccountDriver.WrongPassword });
        var withoutCode = await person.SendFormAsync($"{Page}/remove", new(off) { ["code"] = app.WrongCode() });
        var removed = await person.SendFormAsync($"{Page}/remove", off);

        (refused.Status, begun.Status, wrong.Status, on.Status).ShouldBe((401, 200, 422, 200));
        begun.Headers.CacheControl!.NoStore.ShouldBeTrue();
        wrong.Text.ShouldContain(app.Secret);
        RecoveryCodeText().Count(on.Text).ShouldBe(10);
        (withoutPassword.Status, withoutCode.Status, removed.Status).ShouldBe((401, 422, 303));
        (await own.Server.LogInAsync(account.Email)).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task The_log_is_filtered_paged_and_downloaded(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var account = await servers.SignUpAsync(engine);
        for (var i = 0; i < 55; i++)
            (await account.Session.SendAsync(HttpMethod.Patch, "/me", new { name = $"Ada {i}" })).Status.ShouldBe(200);
        var person = await Person.SignedInAsync(server, account);

        var first = await person.GetAsync("/app/audit");
        var second = await person.GetAsync($"/app/audit?{NextPage().Match(first.Text).Groups["query"].Value}");
        var created = await person.GetAsync("/app/audit?action=account.created");
        var none = await person.GetAsync("/app/audit?action=key.leak_reported");
        var renamed = await person.GetAsync("/app/audit/export?action=account.renamed");
        var all = await person.GetAsync("/app/audit/export");

        (Rows().Count(first.Text), Rows().Count(second.Text), Rows().Count(created.Text)).ShouldBe((51, 8, 2));
        first.Text.Length.ShouldBeLessThan(60_000);
        none.Text.ShouldContain("There is no such entry");
        renamed.ContentType.ShouldBe("text/csv");
        renamed.Text.Split("\r\n").Length.ShouldBe(57);
        all.Text.Split("\r\n").Length.ShouldBe(59);
        all.Text.ShouldStartWith("at,actor,action,target,address\r\n");
        (await person.GetAsync("/app/audit?cursor=x")).Status.ShouldBe(400);
    }

    private static Dictionary<string, string> Password(string current, string chosen, string repeated) =>
        new() { ["current_password"] = current, ["new_password"] = chosen, ["repeated"] = repeated };

    private static Task<Answer> DeleteAsync(Person person, string typed, string password) =>
        person.SendFormAsync("/app/settings/delete", new() { ["typed"] = typed, ["password"] = password });

    [GeneratedRegex("action=\"[./]*app/(?<path>settings/sessions/[0-9a-f-]+/end)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex EndSession();

    [GeneratedRegex("data-copy=\"the secret\">(?<secret>[A-Z2-7]{32})<", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex SecretText();

    [GeneratedRegex("\\b([a-z2-9]{4}-){3}[a-z2-9]{4}\\b", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex RecoveryCodeText();

    [GeneratedRegex("href=\"[^\"]+[?](?<query>cursor=[^\"]+)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex NextPage();

    [GeneratedRegex("<tr>", RegexOptions.None, 1000)]
    private static partial Regex Rows();
}
