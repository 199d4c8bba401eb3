using PyResolve.Server.Hosting;
using PyResolve.Server.Tests.Accounts;

namespace PyResolve.Server.Tests.Email;

public sealed class EmailTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task A_sign_up_sends_an_email_whose_token_verifies_the_address_once(StorageEngine engine)
    {
        using var mailbox = new TestMailbox();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: mailbox.Settings);
        var account = await own.SignUpAsync();
        (await own.Store.ReadNumberAsync("select count(*) from profiles where email_verified_at is null")).ShouldBe(1);
        var token = await mailbox.TokenAsync(account.Email, "verify-email");

        var verified = await account.Session.PostAsync("/auth/email/verify", new { token });

        verified.Status.ShouldBe(204);
        (await own.Store.ReadNumberAsync("select count(*) from profiles where email_verified_at is not null")).ShouldBe(1);
        (await account.Session.AuditedAsync()).ShouldContain("account.email_verified");
        (await VerifyAsync(own.Server, token)).Status.ShouldBe(422);
    }

    [Theory, OnBothEngines]
    public async Task A_token_of_one_purpose_is_refused_for_another(StorageEngine engine)
    {
        using var mailbox = new TestMailbox();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: mailbox.Settings);
        var account = await own.SignUpAsync();
        await own.Server.ForgetPasswordAsync(account.Email);
        var verification = await mailbox.TokenAsync(account.Email, "verify-email");
        var reset = await mailbox.TokenAsync(account.Email, "reset-password");

        (await own.Server.ResetPasswordAsync(verification, "a new password")).Status.ShouldBe(422);
        (await VerifyAsync(own.Server, reset)).Status.ShouldBe(422);
        (await VerifyAsync(own.Server, "made-up")).Status.ShouldBe(422);
    }

    [Fact]
    public async Task An_email_links_to_the_public_url_and_its_file_is_readable_by_the_owner_only()
    {
        using var mailbox = new TestMailbox();
        var settings = new Dictionary<string, string?>(mailbox.Settings) { ["PYRESOLVE_PUBLIC_URL"] = "https://billing.example.com/" };
        await using var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres, settings: settings);
        var account = await own.SignUpAsync();
        var token = await mailbox.TokenAsync(account.Email, "verify-email");

        mailbox.Emails.Single().TextBody!.ShouldContain($"https://billing.example.com/verify-email?token={token}");

        if (!OperatingSystem.IsWindows())
            File.GetUnixFileMode(Directory.GetFiles(mailbox.Folder).Single()).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [Theory, OnBothEngines]
    public async Task The_owner_of_a_leaked_key_gets_an_email_with_only_its_prefix(StorageEngine engine)
    {
        using var mailbox = new TestMailbox();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: mailbox.Settings);
        var account = await own.SignUpAsync();

        await new Caller(own.Server.Http).PostAsync("/auth/api-keys/report-leak", new { api_key = account.ApiKey });

        await Eventually.IsTrueAsync(() => mailbox.Emails.Count == 2, cancellationToken: TestContext.Current.CancellationToken);
        var email = mailbox.Emails.Single(email => email.Subject!.Contains("API key", StringComparison.Ordinal));
        email.To.Mailboxes.Single().Address.ShouldBe(account.Email);
        email.TextBody!.ShouldContain(account.ApiKey[..20]);
        email.TextBody!.ShouldNotContain(account.ApiKey[..21]);
    }

    [Fact]
    public async Task Without_an_email_transport_everything_else_works()
    {
        var account = await servers.SignUpAsync(StorageEngine.Sqlite);
        var server = await servers.OnAsync(StorageEngine.Sqlite);

        (await server.ForgetPasswordAsync(account.Email)).Status.ShouldBe(202);

        (await account.Session.StatusAsync()).ShouldBe(200);
    }

    [Fact]
    public async Task An_email_is_sent_to_the_mail_server()
    {
        await using var smtp = new TestSmtpServer();
        await using var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres, settings: smtp.Settings());

        var account = await own.SignUpAsync();

        await Eventually.IsTrueAsync(() => smtp.Emails.Count == 1, cancellationToken: TestContext.Current.CancellationToken);
        var email = smtp.Emails.Single();
        email.ShouldContain("From: PyResolve <billing@example.com>");
        email.ShouldContain($"To: {account.Email}");
        email.ShouldContain("/verify-email?token");
    }

    [Fact]
    public async Task An_email_that_is_refused_for_now_is_sent_later()
    {
        await using var smtp = new TestSmtpServer();
        smtp.RecipientAnswers.Enqueue("451 greylisted");
        smtp.RecipientAnswers.Enqueue("250 fine");
        await using var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres, settings: smtp.Settings());
        await own.SignUpAsync();
        await Eventually.IsTrueAsync(() => smtp.RecipientsSeen == 1, cancellationToken: TestContext.Current.CancellationToken);
        smtp.Emails.ShouldBeEmpty();

        await Eventually.IsTrueAsync(() =>
        {
            own.Clock.Advance(TimeSpan.FromSeconds(1));
            return smtp.Emails.Count == 1;
        }, cancellationToken: TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task An_email_that_is_refused_permanently_is_not_sent_again()
    {
        await using var smtp = new TestSmtpServer();
        smtp.RecipientAnswers.Enqueue("550 no such user");
        await using var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres, settings: smtp.Settings());
        await own.SignUpAsync();
        await Eventually.IsTrueAsync(() => smtp.RecipientsSeen == 1, cancellationToken: TestContext.Current.CancellationToken);

        await own.SignUpAsync();
        await Eventually.IsTrueAsync(() => smtp.RecipientsSeen == 2, cancellationToken: TestContext.Current.CancellationToken);
        own.Clock.Advance(TimeSpan.FromMinutes(1));

        await own.SignUpAsync();
        await TestMailbox.WaitUntilSentAsync(own.Store);
        smtp.RecipientsSeen.ShouldBe(3);
    }

    [Fact]
    public async Task Without_TLS_nothing_is_sent_unless_that_is_configured()
    {
        await using var smtp = new TestSmtpServer();
        await using var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres, settings: smtp.Settings(tls: "starttls"));

        await own.SignUpAsync();

        await Eventually.IsTrueAsync(() => smtp.Goodbyes == 1, cancellationToken: TestContext.Current.CancellationToken);
        smtp.RecipientsSeen.ShouldBe(0);
        smtp.Emails.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_mail_server_that_hangs_delays_no_request()
    {
        await using var smtp = new TestSmtpServer { IsSilent = true };
        await using var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres, settings: smtp.Settings());

        for (var i = 0; i < 10; i++)
        {
            var account = await own.SignUpAsync();
            (await own.Server.ForgetPasswordAsync(account.Email)).Status.ShouldBe(202);
        }
    }

    [Theory]
    [InlineData("PyResolve:Smtp:From", null, "PyResolve:Smtp:From is not")]
    [InlineData("PyResolve:Smtp:From", "no address at all", "it must be an address")]
    [InlineData("PyResolve:Smtp:Tls", "ssl", "starttls")]
    [InlineData("PyResolve:Smtp:Port", "99999", "from 1 to 65535")]
    public async Task Invalid_settings_stop_the_start(string name, string? value, string expected)
    {
        await using var smtp = new TestSmtpServer();
        var settings = smtp.Settings();
        settings[name] = value;

        var failure = await Should.ThrowAsync<InvalidConfigurationException>(
            () => OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres, settings: settings));

        failure.Message.ShouldContain(expected);
    }

    private static Task<Answer> VerifyAsync(TestServer server, string token) =>
        new Caller(server.Http).PostAsync("/auth/email/verify", new { token });
}
