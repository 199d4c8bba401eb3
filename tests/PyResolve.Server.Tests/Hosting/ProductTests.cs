using Microsoft.Extensions.Configuration;
using PyResolve.Server.Accounts;
using PyResolve.Server.Audit;
using PyResolve.Server.Billing.Emails;
using PyResolve.Server.Billing.Sync;
using PyResolve.Server.Email;
using PyResolve.Server.Hosting;
using PyResolve.Server.Plans;
using PyResolve.Server.Tests.Billing;
using PyResolve.Server.Tests.Email;

namespace PyResolve.Server.Tests.Hosting;

/// <summary>What is sold has a name of its own, on pages and in emails.</summary>
public sealed class ProductTests(SharedServers servers)
{
    private static readonly Dictionary<string, string?> Tidyline = new()
    {
        ["PyResolve:Product:Name"] = "Tidyline",
        ["PyResolve:Product:SupportEmail"] = "help@tidyline.example",
        ["PyResolve:Product:Url"] = "https://tidyline.example",
    };

    [Theory]
    [InlineData("/")]
    [InlineData("/pricing")]
    [InlineData("/sign-in")]
    [InlineData("/sign-up")]
    [InlineData("/forgot")]
    public async Task A_page_names_the_product_and_whom_to_ask(string path)
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres, settings: Tidyline);

        var page = await own.Server.Anonymous.SendAsync(HttpMethod.Get, path, body: null, [("Accept", "text/html")]);

        page.Text.ShouldContain(" · Tidyline</title>");
        page.Text.ShouldContain("""<a href="mailto:help@tidyline.example">""");
        page.Text.ShouldNotContain("PyResolve");
    }

    [Fact]
    public async Task An_email_names_the_product_and_whom_to_ask()
    {
        using var mailbox = new TestMailbox();
        await using var own = await OwnServer.StartAsync(
            StorageEngine.Sqlite, servers.Postgres, settings: new Dictionary<string, string?>(mailbox.Settings.Concat(Tidyline)));
        var account = await own.SignUpAsync();

        await own.Server.Anonymous.PostAsync("/auth/password/forgot", new { email = account.Email });
        await Eventually.IsTrueAsync(
            () => mailbox.Emails.Any(IsReset), cancellationToken: TestContext.Current.CancellationToken, what: "the email");

        var email = mailbox.Emails.Single(IsReset);
        email.TextBody!.ShouldContain("the password of your Tidyline account");
        email.TextBody!.TrimEnd().ShouldEndWith("Questions? Write to help@tidyline.example.");
        email.TextBody!.ShouldNotContain("PyResolve");
    }

    /// <summary>Each email of an account, with what it mentions.</summary>
    public static TheoryData<string, string> Emails { get; } = new()
    {
        { EmailKinds.Verification, "" }, { EmailKinds.Reset, "" }, { EmailKinds.Invitation, "72" }, { EmailKinds.Leak, "pyr_live_0123" },
        { EmailKinds.EmailChange, "new@example.com" }, { EmailKinds.EmailChanged, "old@example.com" },
        { EmailKinds.UsageAlert, "{0} 2026-11 80 4 5" },
        { BillingEmails.PaymentFailed, "sub_late" }, { BillingEmails.TrialEnding, "sub_trial" },
        { BillingEmails.PlanEnding, "sub_ending" }, { BillingEmails.GivenPlanEnding, "" },
    };

    [Fact]
    public void No_email_is_left_out() => Emails.Select(static row => row.Data.Item1).ShouldBe(
        typeof(EmailKinds).GetFields().Select(static kind => (string)kind.GetRawConstantValue()!)
            .Concat(typeof(BillingEmails).GetFields().Select(static kind => (string)kind.GetRawConstantValue()!)),
        ignoreOrder: true);

    [Theory, MemberData(nameof(Emails))]
    public async Task Every_email_names_the_product_and_no_other(string kind, string detail)
    {
        using var mailbox = new TestMailbox();
        var settings = new Dictionary<string, string?>(mailbox.Settings.Concat(Tidyline));
        await using var billing = await BillingServer.StartAsync(StorageEngine.Sqlite, servers.Postgres, settings: settings);
        var subscriber = await billing.SignUpAsync();
        var now = billing.Clock.GetUtcNow();
        await subscriber.SetSubscriptionsAsync(kind switch
        {
            BillingEmails.TrialEnding => Subscriptions.Pro("trialing", "sub_trial") with { TrialEnd = now.AddDays(2) },
            BillingEmails.PlanEnding => Subscriptions.Pro(id: "sub_ending") with { CancelAt = now.AddDays(2) },
            _ => Subscriptions.Pro("past_due", "sub_late"),
        });
        await billing.WaitUntilProcessedAsync();
        var id = subscriber.Account.UserId;
        if (kind == EmailKinds.Invitation)
            await billing.Store.ExecuteSqlAsync("delete from passwords");
        if (kind == BillingEmails.GivenPlanEnding)
            await billing.Service<PlanOverrides>().SetAsync(
                id, "unlimited", now.AddDays(2), Origin.Operator, TestContext.Current.CancellationToken);
        var due = new DueEmail(
            Guid.CreateVersion7(), new QueuedEmail(kind) { UserId = id, Detail = detail.Replace("{0}", $"{id}") }, Tries: 1, now);

        var email = await billing.Service<AccountEmails>().ComposeAsync(due, TestContext.Current.CancellationToken);

        email.ShouldNotBeNull();
        email.Text.ShouldContain("Tidyline");
        $"{email.Subject} {email.Text}".ShouldNotContain("PyResolve");
    }

    private static bool IsReset(MimeKit.MimeMessage email) => email.Subject == "Choose a new password";

    [Theory]
    [InlineData("PyResolve:Product:Name", "a name that is longer than the sixty characters of a headline at Stripe")]
    [InlineData("PyResolve:Product:SupportEmail", "help")]
    [InlineData("PyResolve:Product:SupportEmail", "Help <help@tidyline.example>")]
    [InlineData("PyResolve:Product:Url", "tidyline.example")]
    public void A_product_that_cannot_be_shown_is_refused(string setting, string value) =>
        Should.Throw<InvalidConfigurationException>(() => ProductOptions.Read(Configuration([new(setting, value)])))
            .Message.ShouldContain(setting);

    [Fact]
    public void Every_sample_catalogue_is_one_that_a_server_starts_with()
    {
        var files = Directory.GetFiles(Path.Combine(Root(), "samples", "catalogues"), "*.json");

        files.Length.ShouldBe(3);
        foreach (var file in files)
        {
            var configuration = new ConfigurationBuilder().AddJsonFile(file).Build();
            new PlanCatalog(configuration).Sold.ShouldNotBeEmpty(file);
            ProductOptions.Read(configuration).IsDefault.ShouldBeFalse(file);
            KnownSettings.FindUnknown(configuration).ShouldBeEmpty(file);
        }
    }

    private static IConfigurationRoot Configuration(IEnumerable<KeyValuePair<string, string?>> settings) =>
        new ConfigurationBuilder().AddInMemoryCollection(settings).Build();

    private static string Root()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "PyResolve.sln")))
            folder = folder.Parent ?? throw new InvalidOperationException("The tests do not run within the repository.");
        return folder.FullName;
    }
}
