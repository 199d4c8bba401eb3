using Microsoft.Extensions.Configuration;
using PyResolve.Server.Doctor;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Tests.Doctor;

/// <summary>What is typed wrong is named with its setting, and never ends a command by an exception of the runtime.</summary>
public sealed class MalformedSettingsTests(SharedServers servers)
{
    private static readonly string[] Values = ["x", "localhost:8000", "-1", "http://[", "{\"", "99999999999999999999"];

    private static readonly (string Part, string Name)[] Parts =
    [
        ("STRIPE_PRICE_<plan>", "STRIPE_PRICE_PRO"), ("<plan>", "pro"), ("<pack>", "pack"), ("<interval>", "month"), ("<n>", "0"),
        ("<name>", "NAME"), ("<category>", "Default"), ("<library>", "pydantic"), ("<tier>", "tier1"),
    ];

    public static TheoryData<string> Wrong { get; } = new("localhost:8000", "8000", "http://localhost:x", "http://*:70000", "ftp://x", "x");

    [Fact]
    public async Task The_doctor_says_which_setting_is_wrong()
    {
        await using var server = await FaultyServer.CreateAsync(StorageEngine.Sqlite, servers.Postgres);
        var wrong = new List<string>();

        foreach (var (index, name) in Names().Index())
        {
            var before = server.Settings.GetValueOrDefault(name);
            foreach (var value in Scale.Pick([Values[index % Values.Length]], Values))
            {
                server.Set(name, value);
                // The command says both as a finding.
                if (await ExamineAsync(server) is { } thrown
                    && (thrown is not (InvalidConfigurationException or FormatException) || !IsNamed(thrown, name)))
                    wrong.Add($"{name}={value}: {thrown.GetType().Name} {thrown.Message}");
            }

            server.Settings.Remove(name);
            if (before is not null)
                server.Set(name, before);
        }

        string.Join('\n', wrong).ShouldBeEmpty();
    }

    [Fact]
    public void The_list_of_settings_shows_what_is_wrong()
    {
        foreach (var (name, value) in from name in Names() from value in Values select (name, value))
        {
            var configuration = new ConfigurationBuilder().AddInMemoryCollection([new(name, value)]).Build();

            SettingsList.ReadAll(configuration).ShouldContain(
                one => one.IsSet && one.Name.Equals(name, StringComparison.OrdinalIgnoreCase), name);
        }
    }

    [Theory, MemberData(nameof(Wrong))]
    public async Task An_address_that_is_none_is_named_with_one_that_is(string urls)
    {
        await using var server = await FaultyServer.CreateAsync(StorageEngine.Sqlite, servers.Postgres);
        server.Set("urls", urls);

        var thrown = await ExamineAsync(server);

        thrown.ShouldBeOfType<InvalidConfigurationException>().Message.ShouldBe(
            $"URLS is '{urls}'; it lists whole addresses without a path, such as {(urls == "x" ? "http://x" : "http://localhost:8000")}.");
    }

    [Theory]
    [InlineData(@"\\store\share\data", true)]
    [InlineData(@"\\?\UNC\store\share", true)]
    [InlineData(@"\\?\C:\data", false)]
    [InlineData(@"\\.\C:\data", false)]
    [InlineData(@"C:\data", false)]
    [InlineData("/var/lib/pyresolve", false)]
    public void A_share_of_windows_is_a_network_disk(string folder, bool isShare) => FolderCheck.IsShare(folder).ShouldBe(isShare);

    /// <summary>Each setting of the table, with names in place of what stands for any.</summary>
    private static IEnumerable<string> Names() => SettingsTable.All.Select(static setting =>
        Parts.Aggregate(setting.Name, static (name, part) => name.Replace(part.Part, part.Name, StringComparison.Ordinal)));

    private static async Task<Exception?> ExamineAsync(FaultyServer server)
    {
        try
        {
            (await server.ExamineAsync()).ShouldNotBeEmpty();
            return null;
        }
        catch (Exception exception)
        {
            return exception;
        }
    }

    /// <summary>Of a setting that is a list or has parts, the message may name the whole.</summary>
    private static bool IsNamed(Exception exception, string name)
    {
        var whole = name.Split(':');
        return exception.Message.Contains(name, StringComparison.OrdinalIgnoreCase)
            || (whole.Length > 1 && exception.Message.Contains(string.Join(':', whole[..^1]), StringComparison.OrdinalIgnoreCase));
    }
}
