using MimeKit;
using PyResolve.Server.Access;
using PyResolve.Server.Email;
using PyResolve.Server.Tests.Email;

namespace PyResolve.Server.Tests.Accounts;

public sealed class EmailAddressTests(SharedServers servers)
{
    /// <summary>Each line is one mailbox.</summary>
    public static TheoryData<string, string> Spellings => new()
    {
        { "ada@münchen.example", "ada@xn--mnchen-3ya.example" },
        { "ada@münchen.example", "ada@mu\u0308nchen.example" },
        { "ada@münchen.example", "ADA@MÜNCHEN.EXAMPLE" },
        { "ada@münchen.example", "ada@XN--MNCHEN-3YA.example" },
        { "ada@example.com", "ada@example.com." },
        { "ada@example.com", " Ada@Example.COM " },
        { "ada@example.com", "ada@\uFF45xample\u3002com" },
        { "caf\u00E9@example.com", "cafe\u0301@example.com" },
        { "caf\u00E9@example.com", "CAF\u00C9@example.com" },
        { "k@example.com", "\u212A@example.com" },
    };

    public static TheoryData<string, string> Different => new()
    {
        { "\u0130.x@example.com", "i.x@example.com" },
        { "a.da@example.com", "ada@example.com" },
        { "ada+1@example.com", "ada@example.com" },
        { "\u0131@example.com", "i@example.com" },
        { "ada@fa\u00DF.example", "ada@fass.example" },
    };

    [Theory]
    [MemberData(nameof(Spellings))]
    public void Two_spellings_of_one_mailbox_have_one_normal_form(string one, string other) =>
        EmailAddresses.Parse(other)!.Key.ShouldBe(EmailAddresses.Parse(one)!.Key);

    [Theory]
    [MemberData(nameof(Different))]
    public void Two_mailboxes_have_two_normal_forms(string one, string other) =>
        EmailAddresses.KeyOf(other).ShouldNotBe(EmailAddresses.KeyOf(one));

    [Theory]
    [InlineData("a@b..com")]
    [InlineData("a,b@c.com")]
    [InlineData(".a@b.com")]
    [InlineData("a.@b.com")]
    [InlineData("a..b@b.com")]
    [InlineData("a@b.com..")]
    [InlineData("a@.b.com")]
    [InlineData("a@-b.com")]
    [InlineData("a@b-.com")]
    [InlineData("a@b_c.com")]
    [InlineData("a b@c.com")]
    [InlineData("a@b c.com")]
    [InlineData("a@b@c.com")]
    [InlineData("<a@b.com>")]
    [InlineData("Ada <a@b.com>")]
    [InlineData("a@[127.0.0.1]")]
    [InlineData("a@127.0.0.1")]
    [InlineData("a@")]
    [InlineData("@b.com")]
    [InlineData("a(comment)@b.com")]
    [InlineData("\"a b\"@c.com")]
    [InlineData("a;b@c.com")]
    [InlineData("a@b.com,c@d.com")]
    [InlineData("a@b/c.com")]
    [InlineData("a\u200Bb@c.com")]
    [InlineData("a@b.c\u202Eom")]
    [InlineData("a@xn--\u00FC.com")]
    public async Task An_address_that_no_email_can_reach_does_not_get_an_account(string email)
    {
        var server = await servers.OnAsync(StorageEngine.Sqlite);

        var answer = await server.Anonymous.PostAsync("/auth/signup", new { email, password = TestAccount.Password });

        (answer.Status, answer.Code).ShouldBe((422, "invalid"), answer.Text);
        answer["errors"].TryGetProperty("email", out _).ShouldBeTrue();
    }

    [Theory]
    [InlineData("ada@example.com")]
    [InlineData("a@b")]
    [InlineData("o'neill+tag@sub.example.co.uk")]
    [InlineData("!#$%&'*+-/=?^_`{|}~@example.com")]
    [InlineData("\u00FCser@m\u00FCnchen.example")]
    [InlineData("\u4E2D\u6587@\u4F8B\u3048.\u30C6\u30B9\u30C8")]
    [InlineData("\u0130.x@example.com")]
    [InlineData("123@456.com")]
    public void The_sender_takes_every_address_that_sign_up_takes(string email)
    {
        EmailAddresses.Parse(email).ShouldNotBeNull();

        using var mime = new EmailMessage(EmailAddresses.Parse(email)!.Shown, "subject", "text")
            .ToMime(new MailboxAddress("from", "from@example.com"), new TestClock());

        mime.To.Mailboxes.Single().GetAddress(idnEncode: true).ShouldBe(EmailAddresses.Parse(email)!.Key);
    }

    [Theory, OnBothEngines]
    public async Task One_mailbox_does_not_get_several_accounts_and_is_found_by_each_spelling(StorageEngine engine)
    {
        using var mailbox = new TestMailbox();
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: mailbox.Settings);
        string[] spellings = ["ada@M\u00FCnchen.example", "ada@xn--mnchen-3ya.example", "ADA@mu\u0308nchen.example."];
        await own.SignUpAsync(spellings[0]);

        foreach (var spelling in spellings)
        {
            (await own.Server.Anonymous.PostAsync("/auth/signup", new { email = spelling, password = TestAccount.Password })).Status
                .ShouldBe(409, spelling);
            (await own.Server.LogInAsync(spelling)).Status.ShouldBe(200, spelling);
        }

        await own.Server.ForgetPasswordAsync(spellings[2]);
        await mailbox.TokenAsync("ada@m\u00FCnchen.example", "reset-password");
        (await own.Store.ReadNumberAsync("select count(*) from profiles")).ShouldBe(1);
        (await own.Store.ReadSqlAsync("select email_key from profiles")).ShouldBe("ada@xn--mnchen-3ya.example");
    }

    /// <summary>PostgreSQL's lower() turns the letter into i, .NET leaves it alone.</summary>
    [Theory, OnBothEngines]
    public async Task Two_mailboxes_do_not_share_an_account_on_one_engine(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var dotted = await own.SignUpAsync("\u0130.x@example.com");

        (await own.Server.LogInAsync("\u0130.x@example.com")).Status.ShouldBe(200);
        (await own.Server.LogInAsync("i.x@example.com")).Status.ShouldBe(401);
        var plain = await own.SignUpAsync("i.x@example.com");

        plain.UserId.ShouldNotBe(dotted.UserId);
        (await own.Server.LogInAsync("i.x@example.com"))["user"].GetProperty("id").GetGuid().ShouldBe(plain.UserId);
    }

    [Theory, OnBothEngines]
    public async Task Accounts_of_one_mailbox_from_before_are_named_and_not_lost(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var first = await own.SignUpAsync("ada@xn--mnchen-3ya.example");
        own.Clock.Advance(TimeSpan.FromHours(1));
        var second = await own.SignUpAsync("other@example.com");
        var alone = await own.SignUpAsync("alone@example.com");
        // As an earlier version kept them.
        await own.Store.ExecuteSqlAsync($"update profiles set email = 'ada@m\u00FCnchen.example' where id = '{second.UserId}'");
        await own.Store.ExecuteSqlAsync("update profiles set email_key = null, email_clash = null");

        var migrated = await ServerProcess.RunAsync(["migrate-schema"], own.Store.Settings, TestContext.Current.CancellationToken);

        migrated.OrThrow("migrate-schema").Output.ShouldContain(
            $"{second.UserId} (ada@m\u00FCnchen.example) has the same mailbox as {first.UserId}");
        migrated.Output.ShouldNotContain(alone.UserId.ToString());
        (await own.Server.LogInAsync("ada@xn--mnchen-3ya.example"))["user"].GetProperty("id").GetGuid().ShouldBe(first.UserId);
        (await own.Server.LogInAsync("ADA@mu\u0308nchen.example"))["user"].GetProperty("id").GetGuid().ShouldBe(first.UserId);
        (await own.Server.LogInAsync("ada@m\u00FCnchen.example"))["user"].GetProperty("id").GetGuid().ShouldBe(second.UserId);
        (await second.Key.StatusAsync()).ShouldBe(200);
        (await ServerProcess.RunAsync(
            ["accounts", "set-email", second.UserId.ToString(), "grace@example.com"], own.Store.Settings,
            TestContext.Current.CancellationToken)).OrThrow("set-email");
        (await own.Server.LogInAsync("grace@example.com"))["user"].GetProperty("id").GetGuid().ShouldBe(second.UserId);
    }

    [Theory, OnBothEngines]
    public async Task An_address_that_SQL_changed_is_found_by_the_new_one_and_not_by_the_old_one(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync("ada@example.com");

        await own.Store.ExecuteSqlAsync("update profiles set email = 'Grace@Example.com'");

        (await own.Server.LogInAsync("ada@example.com")).Status.ShouldBe(401);
        (await own.Server.LogInAsync("grace@example.com"))["user"].GetProperty("id").GetGuid().ShouldBe(account.UserId);
        await own.SignUpAsync("ada@example.com");
    }
}
