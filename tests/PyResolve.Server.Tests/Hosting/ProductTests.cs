using Microsoft.Extensions.Configuration;
using PyResolve.Server.Hosting;
using PyResolve.Server.Plans;
using PyResolve.Server.Tests.Email;

namespace PyResolve.Server.Tests.Hosting;

/// <summary>What is sold has a name of its own, on pages and in letters.</summary>
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
    public async Task A_letter_names_the_product_and_whom_to_ask()
    {
        using var mailbox = new TestMailbox();
        await using var own = await OwnServer.StartAsync(
            StorageEngine.Sqlite, servers.Postgres, settings: new Dictionary<string, string?>(mailbox.Settings.Concat(Tidyline)));
        var account = await own.SignUpAsync();

        await own.Server.Anonymous.PostAsync("/auth/password/forgot", new { email = account.Email });
        await Eventually.IsTrueAsync(
            () => mailbox.Emails.Any(IsReset), cancellationToken: TestContext.Current.CancellationToken, what: "the letter");

        var letter = mailbox.Emails.Single(IsReset);
        letter.TextBody!.ShouldContain("the password of your Tidyline account");
        letter.TextBody!.TrimEnd().ShouldEndWith("Questions? Write to help@tidyline.example.");
        letter.TextBody!.ShouldNotContain("PyResolve");
    }

    private static bool IsReset(MimeKit.MimeMessage letter) => letter.Subject == "Choose a new password";

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
