using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Storage;
using PyResolve.Server.Tests.Email;

namespace PyResolve.Server.Tests.Accounts;

public sealed class PasswordTests(SharedServers servers)
{
    private const string NewPassword = "a much better password";

    [Theory, OnBothEngines]
    public async Task A_changed_password_ends_the_other_sessions_and_keeps_this_one_and_the_keys(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var account = await servers.SignUpAsync(engine);
        var other = await server.NewSessionAsync(account);

        var changed = await account.Session.ChangePasswordAsync(NewPassword);

        changed.Status.ShouldBe(204);
        (await other.StatusAsync()).ShouldBe(401);
        (await account.Session.StatusAsync()).ShouldBe(200);
        (await account.Key.StatusAsync()).ShouldBe(200);
        (await server.LogInAsync(account.Email)).Status.ShouldBe(401);
        (await server.LogInAsync(account.Email, NewPassword)).Status.ShouldBe(200);
        (await account.Session.AuditedAsync()).ShouldContain("password.changed");
    }

    [Theory, OnBothEngines]
    public async Task A_wrong_current_password_changes_nothing(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var account = await servers.SignUpAsync(engine);

        var refused = await account.Session.ChangePasswordAsync(NewPassword, AccountDriver.WrongPassword);

        refused.Status.ShouldBe(401);
        (await server.LogInAsync(account.Email)).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task A_session_may_guess_the_current_password_20_times(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);

        for (var i = 0; i < 20; i++)
            (await account.Session.ChangePasswordAsync(NewPassword, AccountDriver.WrongPassword)).Status.ShouldBe(401);

        (await account.Session.ChangePasswordAsync(NewPassword)).Status.ShouldBe(429);
        (await account.Session.DeleteAccountAsync()).Status.ShouldBe(429);
    }

    [Theory, OnBothEngines]
    public async Task A_key_cannot_change_the_password(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);

        var refused = await account.Key.ChangePasswordAsync(NewPassword);

        refused.Status.ShouldBe(403);
        refused.Code.ShouldBe("scope_missing");
    }

    [Fact]
    public async Task A_login_during_a_password_change_with_the_old_password_opens_no_session()
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Postgres, servers.Postgres);
        var account = await own.SignUpAsync();
        Task<Answer>? login = null;

        await own.Server.Services.GetRequiredService<Database>().WriteAsync(
            async session =>
            {
                await session.ExecuteAsync(
                    $"update passwords set password_hash = 'another' where user_id = {account.UserId}",
                    TestContext.Current.CancellationToken);
                // It accepts the old password, which is still the committed one; then it has to wait.
                login = own.Server.LogInAsync(account.Email);
                await Eventually.IsTrueAsync(
                    async () => await own.Store.ReadNumberAsync(
                        "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'") > 0,
                    cancellationToken: TestContext.Current.CancellationToken);
            },
            TestContext.Current.CancellationToken);

        (await login!).Status.ShouldBe(401);
        (await own.Store.ReadNumberAsync("select count(*) from sessions")).ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task A_forgotten_password_is_reset_through_an_email(StorageEngine engine)
    {
        using var mailbox = new TestMailbox();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: mailbox.Settings);
        var account = await own.SignUpAsync();
        (await own.Server.ForgetPasswordAsync(account.Email.ToUpperInvariant())).Status.ShouldBe(202);
        var token = await mailbox.TokenAsync(account.Email, "reset-password");

        var reset = await own.Server.ResetPasswordAsync(token, NewPassword);

        reset.Status.ShouldBe(204);
        (await account.Session.StatusAsync()).ShouldBe(401);
        (await own.Server.LogInAsync(account.Email)).Status.ShouldBe(401);
        var opened = await own.Server.LogInAsync(account.Email, NewPassword);
        var session = new Caller(own.Server.Http, "Authorization", $"Bearer {opened["session_token"].GetString()}");
        var audited = await session.AuditedAsync();
        audited.ShouldContain("password.reset_asked");
        audited.ShouldContain("password.reset");
    }

    [Theory, OnBothEngines]
    public async Task A_token_resets_a_password_once_when_used_concurrently(StorageEngine engine)
    {
        using var mailbox = new TestMailbox();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: mailbox.Settings);
        var account = await own.SignUpAsync();
        await own.Server.ForgetPasswordAsync(account.Email);
        var token = await mailbox.TokenAsync(account.Email, "reset-password");

        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(i => own.Server.ResetPasswordAsync(token, $"{NewPassword} {i}")));

        answers.Count(answer => answer.Status == 204).ShouldBe(1);
        answers.Where(answer => answer.Status != 204).ShouldAllBe(answer => answer.Status == 422);
        var winner = Array.FindIndex(answers, answer => answer.Status == 204);
        (await own.Server.LogInAsync(account.Email, $"{NewPassword} {winner}")).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task A_reset_token_expires_after_an_hour_and_when_another_one_is_used(StorageEngine engine)
    {
        using var mailbox = new TestMailbox();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: mailbox.Settings);
        var account = await own.SignUpAsync();
        await own.Server.ForgetPasswordAsync(account.Email);
        var old = await mailbox.TokenAsync(account.Email, "reset-password");
        own.Clock.Advance(TimeSpan.FromHours(1));
        (await own.Server.ResetPasswordAsync(old, NewPassword)).Status.ShouldBe(422);

        await own.Server.ForgetPasswordAsync(account.Email);
        var first = await mailbox.TokenAsync(account.Email, "reset-password", count: 2);
        await own.Server.ForgetPasswordAsync(account.Email);
        var second = await mailbox.TokenAsync(account.Email, "reset-password", count: 3);

        (await own.Server.ResetPasswordAsync(second, NewPassword)).Status.ShouldBe(204);
        (await own.Server.ResetPasswordAsync(first, NewPassword)).Status.ShouldBe(422);
    }

    [Theory, OnBothEngines]
    public async Task A_password_that_is_too_short_does_not_use_up_the_token(StorageEngine engine)
    {
        using var mailbox = new TestMailbox();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: mailbox.Settings);
        var account = await own.SignUpAsync();
        await own.Server.ForgetPasswordAsync(account.Email);
        var token = await mailbox.TokenAsync(account.Email, "reset-password");

        (await own.Server.ResetPasswordAsync(token, "short")).Status.ShouldBe(422);

        (await own.Server.ResetPasswordAsync(token, NewPassword)).Status.ShouldBe(204);
    }

    [Theory, OnBothEngines]
    public async Task An_unknown_address_gets_the_same_answer_and_no_email(StorageEngine engine)
    {
        using var mailbox = new TestMailbox();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: mailbox.Settings);
        var account = await own.SignUpAsync();

        var unknown = await own.Server.ForgetPasswordAsync("nobody@example.com");
        var known = await own.Server.ForgetPasswordAsync(account.Email);

        (unknown.Status, unknown.Text).ShouldBe((known.Status, known.Text));
        known.Status.ShouldBe(202);
        await mailbox.TokenAsync(account.Email, "reset-password");
        await TestMailbox.WaitUntilSentAsync(own.Store);
        mailbox.Emails.ShouldAllBe(email => email.To.Mailboxes.Single().Address == account.Email);
    }

    [Theory, OnBothEngines]
    public async Task An_account_gets_at_most_5_reset_emails_an_hour(StorageEngine engine)
    {
        using var mailbox = new TestMailbox();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: mailbox.Settings);
        var account = await own.SignUpAsync();
        var witness = await own.SignUpAsync();

        for (var i = 0; i < 8; i++)
            (await own.Server.ForgetPasswordAsync(account.Email)).Status.ShouldBe(202);

        await own.Server.ForgetPasswordAsync(witness.Email);
        await TestMailbox.WaitUntilSentAsync(own.Store);
        mailbox.Links(account.Email, "reset-password").Count.ShouldBe(5);
        mailbox.Links(witness.Email, "reset-password").Count.ShouldBe(1);
        (await own.Store.ReadNumberAsync("select count(*) from email_tokens where purpose = 'reset'")).ShouldBe(6);
    }

    [Theory, OnBothEngines]
    public async Task A_name_is_changed_by_its_owner(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);

        var renamed = await account.Session.SendAsync(HttpMethod.Patch, "/me", new { name = " Ada Lovelace " });

        renamed.Status.ShouldBe(200);
        renamed["user"].GetProperty("name").GetString().ShouldBe("Ada Lovelace");
        renamed["user"].GetProperty("id").GetGuid().ShouldBe(account.UserId);
        (await account.Session.AuditedAsync()).ShouldContain("account.renamed");
        (await account.Session.SendAsync(HttpMethod.Patch, "/me", new { name = "" })).Status.ShouldBe(422);
        (await account.Session.SendAsync(HttpMethod.Patch, "/me", new { })).Status.ShouldBe(422);
        (await account.Key.SendAsync(HttpMethod.Patch, "/me", new { name = "Eve" })).Status.ShouldBe(403);
    }
}
