using PyResolve.Server.Tests.Accounts;

namespace PyResolve.Server.Tests.Email;

/// <summary>Emails are queued in the store, and any instance sends them.</summary>
public sealed class OutboxTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task An_email_that_waits_for_a_retry_is_sent_after_a_restart_and_its_link_works(StorageEngine engine)
    {
        await using var smtp = new TestSmtpServer();
        smtp.RecipientAnswers.Enqueue("451 greylisted");
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: smtp.Settings());
        var account = await own.SignUpAsync();
        await own.Server.ForgetPasswordAsync(account.Email);
        await UntilAsync(
            async () => await own.Store.ReadNumberAsync("select count(*) from letters where tries = 1 and user_id is not null") == 2);
        await UntilAsync(async () =>
            smtp.RecipientsSeen == 2
            && smtp.Goodbyes == 2
            && await own.Store.ReadNumberAsync("select count(distinct due_at) from letters") > 0);
        smtp.Emails.ShouldBeEmpty();
        await own.Server.DisposeAsync();
        smtp.RecipientAnswers.Clear();

        own.Clock.Advance(TimeSpan.FromMinutes(10));
        await using var restarted = await TestServer.StartAsync(own.Store, smtp.Settings(), own.Clock);

        await UntilAsync(() => Task.FromResult(smtp.Emails.Count == 2));
        (await restarted.ResetPasswordAsync(smtp.TokenOf("reset-password"), "a new password")).Status.ShouldBe(204);
        (await new Caller(restarted.Http).PostAsync("/auth/email/verify", new { token = smtp.TokenOf("verify-email") })).Status
            .ShouldBe(204);
        await UntilAsync(async () => await own.Store.ReadNumberAsync("select count(*) from letters") == 0);
        (await own.Store.ReadNumberAsync("select count(*) from audit_log where action = 'password.reset_asked'")).ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task Of_two_instances_one_sends_each_email(StorageEngine engine)
    {
        using var mailbox = new TestMailbox();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: mailbox.Settings);
        await using var second = await TestServer.StartAsync(own.Store, mailbox.Settings, own.Clock);

        await Parallel.ForAsync(0, 40, TestContext.Current.CancellationToken, async (i, _) =>
            await TestAccount.SignUpAsync((i % 2 == 0 ? own.Server : second).Http));
        await UntilAsync(async () => await own.Store.ReadNumberAsync("select count(*) from letters") == 0);

        var recipients = mailbox.Emails.Select(email => email.To.ToString()).ToList();
        recipients.Count.ShouldBe(40);
        recipients.Distinct().Count().ShouldBe(40);
    }

    [Theory, OnBothEngines]
    public async Task An_email_whose_sender_died_is_sent_by_another_instance(StorageEngine engine)
    {
        await using var silent = new TestSmtpServer { IsSilent = true };
        await using var smtp = new TestSmtpServer();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: silent.Settings());
        await own.SignUpAsync();
        await UntilAsync(async () => await own.Store.ReadNumberAsync("select count(*) from letters where tries = 1") == 1);

        await using var other = await TestServer.StartAsync(own.Store, smtp.Settings(), own.Clock);
        smtp.Emails.ShouldBeEmpty();

        await UntilAsync(() =>
        {
            own.Clock.Advance(TimeSpan.FromMinutes(3));
            return Task.FromResult(smtp.Emails.Count == 1);
        });
    }

    [Theory, OnBothEngines]
    public async Task An_email_is_deleted_with_its_account_and_after_a_day(StorageEngine engine)
    {
        await using var smtp = new TestSmtpServer();
        smtp.RecipientAnswers.Enqueue("451 greylisted");
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: smtp.Settings());
        var (leaving, staying) = (await own.SignUpAsync(), await own.SignUpAsync());
        await UntilAsync(() => Task.FromResult(smtp.Goodbyes == 2));

        (await leaving.Session.DeleteAccountAsync()).Status.ShouldBe(204);
        (await own.Store.ReadNumberAsync("select count(*) from letters")).ShouldBe(1);
        (await own.Store.ReadSqlAsync("select user_id from letters"))!.ToString().ShouldBe(staying.UserId.ToString());
        smtp.RecipientAnswers.Clear();
        await own.Server.DisposeAsync();
        own.Clock.Advance(TimeSpan.FromDays(2));
        await using var restarted = await TestServer.StartAsync(own.Store, smtp.Settings(), own.Clock);

        await UntilAsync(async () => await own.Store.ReadNumberAsync("select count(*) from letters") == 0);
        smtp.Emails.ShouldBeEmpty();
    }

    private static Task<TimeSpan> UntilAsync(Func<Task<bool>> condition) =>
        Eventually.IsTrueAsync(condition, cancellationToken: TestContext.Current.CancellationToken);
}
