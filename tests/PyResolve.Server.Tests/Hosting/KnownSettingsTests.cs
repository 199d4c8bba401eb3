using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Tests.Hosting;

public sealed partial class KnownSettingsTests
{
    [Fact]
    public void Every_setting_that_the_server_reads_is_known_so_that_none_is_called_misspelt()
    {
        var folder = SourceFolder();
        var read = Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories)
            .Where(static file => !file.Split(Path.DirectorySeparatorChar).Contains("obj"))
            .Where(static file => !Path.GetFileName(file).StartsWith("SettingsTable", StringComparison.Ordinal))
            .SelectMany(static file => Setting().Matches(File.ReadAllText(file)))
            .Select(static match => match.Groups["name"].Value)
            // Sections, whose parts are read one by one.
            .Except(["PyResolve:Plans", "PyResolve:Credits", "PyResolve:Oidc", "PyResolve:Migrate", "PyResolve:Migrators"])
            .Distinct(StringComparer.Ordinal)
            .ToList();

        var none = new ConfigurationBuilder().Build();
        read.Count.ShouldBeGreaterThan(20);
        read.Where(name => !KnownSettings.IsKnown(name, none)).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("STRIPE_PRICE_TEAM_EU", true)]
    [InlineData("STRIPE_PRICE_TEAM_EU_YEAR", true)]
    [InlineData("STRIPE_PRICE_TEAM", false)]
    [InlineData("STRIPE_PRICE_TEAM_EU_WEEK", false)]
    public void The_setting_of_a_price_is_known_where_its_plan_is_in_the_catalogue(string name, bool isKnown)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection([new("PyResolve:Plans:team-eu:Order", "1")])
            .Build();

        KnownSettings.IsKnown(name, configuration).ShouldBe(isKnown);
    }

    [Theory]
    [InlineData("SUPABASE_SERVICE_KEY", "a secret of Supabase")]
    [InlineData("PyResolve:Stripe:ReconcileMinutes", "60")]
    public void A_setting_that_has_no_effect_is_neither_reported_nor_shown(string name, string value)
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new(name, value)]).Build();

        KnownSettings.FindUnknown(configuration).ShouldBeEmpty();
        SettingsList.ReadAll(configuration).ShouldNotContain(setting => setting.Name == name);
    }

    private static string SourceFolder()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "PyResolve.sln")))
            folder = folder.Parent ?? throw new InvalidOperationException("The tests do not run within the repository.");
        return Path.Combine(folder.FullName, "src", "PyResolve.Server");
    }

    [GeneratedRegex(
        "\"(?<name>PyResolve:[A-Za-z:]+[A-Za-z]|(PYRESOLVE|STRIPE|SUPABASE)_[A-Z_]+[A-Z])\"",
        RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Setting();
}
