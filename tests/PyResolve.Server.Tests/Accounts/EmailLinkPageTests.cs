using System.Text.RegularExpressions;
using PyResolve.Server.Tests.Email;

namespace PyResolve.Server.Tests.Accounts;

/// <summary>The pages that emails link to.</summary>
public sealed class EmailLinkPageTests(SharedServers servers)
{
    private const string NewPassword = "a much better password";

    [Theory, OnBothEngines]
    public async Task A_new_password_is_chosen_on_the_page_of_the_email(StorageEngine engine)
    {
        using var mailbox = new TestMailbox();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: mailbox.Settings);
        var account = await own.SignUpAsync();
        await own.Server.ForgetPasswordAsync(account.Email);
        var token = await mailbox.TokenAsync(account.Email, "reset-password");

        var form = await new Caller(own.Server.Http).GetAsync($"/reset-password?token={token}");
        var done = await SendAsync(
            own, "/reset-password", new() { ["token"] = token, ["password"] = NewPassword, ["repeated"] = NewPassword });

        (form.Status, form.ContentType).ShouldBe((200, "text/html"));
        form.Text.ShouldContain(token);
        (done.Status, done.ContentType).ShouldBe((200, "text/html"));
        (await own.Server.LogInAsync(account.Email, NewPassword)).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task Errors_are_shown_on_the_page_and_the_token_stays_valid(StorageEngine engine)
    {
        using var mailbox = new TestMailbox();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: mailbox.Settings);
        var account = await own.SignUpAsync();
        await own.Server.ForgetPasswordAsync(account.Email);
        var token = await mailbox.TokenAsync(account.Email, "reset-password");

        var differs = await SendAsync(
            own, "/reset-password", new() { ["token"] = token, ["password"] = NewPassword, ["repeated"] = "another one" });
        var unknown = await SendAsync(
            own, "/reset-password", new() { ["token"] = "<b>", ["password"] = NewPassword, ["repeated"] = NewPassword });

        (differs.Status, unknown.Status).ShouldBe((422, 422));
        differs.Text.ShouldContain("not the same both times");
        unknown.Text.ShouldContain("Ask for a new email");
        unknown.Text.ShouldNotContain("<b>");
        (await own.Server.ResetPasswordAsync(token, NewPassword)).Status.ShouldBe(204);
    }

    [Theory, OnBothEngines]
    public async Task The_button_verifies_the_email_and_opening_the_link_does_not(StorageEngine engine)
    {
        using var mailbox = new TestMailbox();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: mailbox.Settings);
        var account = await own.SignUpAsync();
        var token = await mailbox.TokenAsync(account.Email, "verify-email");

        (await new Caller(own.Server.Http).GetAsync($"/verify-email?token={token}")).Status.ShouldBe(200);
        (await own.Store.ReadNumberAsync("select count(*) from profiles where email_verified_at is not null")).ShouldBe(0);
        (await SendAsync(own, "/verify-email", new() { ["token"] = token })).Status.ShouldBe(200);

        (await own.Store.ReadNumberAsync("select count(*) from profiles where email_verified_at is not null")).ShouldBe(1);
        (await SendAsync(own, "/verify-email", new() { ["token"] = token })).Status.ShouldBe(422);
    }

    [Theory, OnBothEngines]
    public async Task After_a_confirmation_without_the_password_the_page_leads_to_a_new_one(StorageEngine engine)
    {
        using var mailbox = new TestMailbox();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: mailbox.Settings);
        var account = await own.SignUpAsync();
        var token = await mailbox.TokenAsync(account.Email, "verify-email");

        var confirmed = await SendAsync(own, "/verify-email", new() { ["token"] = token });
        var link = Regex.Match(
            confirmed.Text, "href=\"reset-password\\?token=(?<token>[^\"]+)\"", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1));
        var reset = link.Groups["token"].Value;
        var done = await SendAsync(
            own, "/reset-password", new() { ["token"] = reset, ["password"] = NewPassword, ["repeated"] = NewPassword });

        confirmed.Status.ShouldBe(200);
        done.Status.ShouldBe(200, done.Text);
        (await own.Server.LogInAsync(account.Email, NewPassword)).Status.ShouldBe(200);
    }

    [Theory]
    [InlineData("/reset-password")]
    [InlineData("/verify-email")]
    public async Task A_form_from_another_site_is_refused(string page)
    {
        var server = await servers.OnAsync(StorageEngine.Sqlite);
        using var form = new FormUrlEncodedContent(new Dictionary<string, string> { ["token"] = "any" });

        var answer = await new Caller(server.Http, "Origin", "https://evil.example").PostAsync(page, form);

        answer.Status.ShouldBe(403);
    }

    private static async Task<Answer> SendAsync(OwnServer own, string page, Dictionary<string, string> fields)
    {
        using var form = new FormUrlEncodedContent(fields);
        return await new Caller(own.Server.Http, "Sec-Fetch-Site", "same-origin").PostAsync(page, form);
    }
}
