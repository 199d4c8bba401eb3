using PyResolve.Server.Tests.Devices;
using PyResolve.Server.Tests.Email;
using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Accounts;

public sealed class EmailChangeTests(SharedServers servers)
{
    private const string NewEmail = "countess@example.com";

    [Theory, OnBothEngines]
    public async Task The_address_changes_when_the_link_to_the_new_one_is_used_and_the_old_one_gets_a_notice(StorageEngine engine)
    {
        using var mailbox = new TestMailbox();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: mailbox.Settings);
        var account = await own.SignUpAsync();

        var asked = await AskAsync(account, NewEmail);
        var token = await mailbox.TokenAsync(NewEmail, "change-email");
        var before = (await account.Session.GetAsync("/me"))["email"].GetString();
        var opened = await new Person(own.Server).GetAsync($"/change-email?token={token}");
        var person = new Person(own.Server);
        var changed = await person.SendFormAsync("/change-email", new() { ["token"] = token });
        var again = await person.SendFormAsync("/change-email", new() { ["token"] = token });

        (asked.Status, opened.Status, changed.Status, again.Status).ShouldBe((202, 200, 200, 422));
        before.ShouldBe(account.Email);
        (await account.Session.GetAsync("/me"))["email"].GetString().ShouldBe(NewEmail);
        (await own.Server.LogInAsync(NewEmail)).Status.ShouldBe(200);
        (await own.Server.LogInAsync(account.Email)).Status.ShouldBe(401);
        await Eventually.IsTrueAsync(
            () => mailbox.Emails.Any(email =>
                email.To.Mailboxes.Single().Address == account.Email && email.TextBody!.Contains(NewEmail, StringComparison.Ordinal)),
            cancellationToken: TestContext.Current.CancellationToken);
        (await account.Session.AuditedAsync()).ShouldContain("account.email_changed");
    }

    [Theory, OnBothEngines]
    public async Task It_needs_the_password(StorageEngine engine)
    {
        using var mailbox = new TestMailbox();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: mailbox.Settings);
        var account = await own.SignUpAsync();

        (await account.Session.PostAsync("/auth/email", new { email = NewEmail })).ShouldBeProblem(422, "invalid");
        (await AskAsync(account, NewEmail, AccountDriver.WrongPassword)).ShouldBeProblem(401, "unauthenticated");

        await TestMailbox.WaitUntilSentAsync(own.Store);
        mailbox.Links(NewEmail, "change-email").ShouldBeEmpty();
        (await own.Store.ReadNumberAsync("select count(*) from email_changes")).ShouldBe(0);
    }

    [Theory, OnBothEngines]
    public async Task An_address_that_another_account_has_is_answered_alike_and_gets_no_link(StorageEngine engine)
    {
        using var mailbox = new TestMailbox();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: mailbox.Settings);
        var (account, other) = (await own.SignUpAsync(), await own.SignUpAsync());

        var taken = await AskAsync(account, other.Email);
        var free = await AskAsync(account, NewEmail);
        var token = await mailbox.TokenAsync(NewEmail, "change-email");

        (taken.Status, taken.Text).ShouldBe((free.Status, free.Text));
        await TestMailbox.WaitUntilSentAsync(own.Store);
        mailbox.Links(other.Email, "change-email").ShouldBeEmpty();
        // Taken in the meantime.
        await own.SignUpAsync(NewEmail);
        var late = await own.Server.Anonymous.PostAsync("/auth/email/verify", new { token });
        late.Status.ShouldBe(422);
        (await account.Session.GetAsync("/me"))["email"].GetString().ShouldBe(account.Email);
    }

    [Theory, OnBothEngines]
    public async Task A_new_password_and_a_day_end_a_change_that_was_asked_for(StorageEngine engine)
    {
        using var mailbox = new TestMailbox();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: mailbox.Settings);
        var account = await own.SignUpAsync();
        await AskAsync(account, NewEmail);
        var first = await mailbox.TokenAsync(NewEmail, "change-email");

        (await account.Session.ChangePasswordAsync("a much better password")).Status.ShouldBe(204);
        (await ConfirmAsync(own, first)).Status.ShouldBe(422);
        await AskAsync(account, NewEmail, "a much better password");
        var second = await mailbox.TokenAsync(NewEmail, "change-email", count: 2);
        own.Clock.Jump(TimeSpan.FromDays(1));

        (await ConfirmAsync(own, second)).Status.ShouldBe(422);
    }

    [Fact]
    public async Task A_server_without_mail_says_who_can_change_it()
    {
        var account = await servers.SignUpAsync(StorageEngine.Sqlite);

        var refused = await AskAsync(account, NewEmail);

        refused.ShouldBeProblem(409, "conflict");
        refused.Detail!.ShouldContain("accounts set-email");
    }

    private static Task<Answer> AskAsync(TestAccount account, string email, string password = TestAccount.Password) =>
        account.Session.PostAsync("/auth/email", new { email, password });

    private static Task<Answer> ConfirmAsync(OwnServer own, string token) =>
        own.Server.Anonymous.PostAsync("/auth/email/verify", new { token });
}
