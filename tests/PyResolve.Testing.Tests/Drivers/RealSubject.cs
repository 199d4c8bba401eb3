using System.Text.RegularExpressions;

namespace PyResolve.Testing.Tests.Drivers;

/// <summary>The real server: shared by all tests, or for one test.</summary>
public sealed partial class RealSubject : Subject
{
    private readonly OwnServer? _own;
    private readonly TestServer _server;
    private readonly Func<TestAccount, string, Task> _setPlan;
    private readonly string? _emails;

    private RealSubject(TestServer server, OwnServer? own, string? emails)
    {
        _server = server;
        _own = own;
        _emails = emails;
        _setPlan = (account, plan) => server.ExecuteSqlAsync($"update profiles set plan = '{plan}' where id = '{account.UserId}'");
    }

    public override HttpClient Http => _server.Http;

    public override Uri Address => _server.Address;

    public override TimeProvider Clock => _server.Clock;

    public static async Task<RealSubject> OnSharedAsync(SharedServers servers, StorageEngine engine) =>
        new(await servers.OnAsync(engine), own: null, emails: null);

    public static async Task<RealSubject> OnOwnAsync(SharedServers servers, StorageEngine engine, string leaseKey, bool isSignUpOpen)
    {
        var emails = Directory.CreateTempSubdirectory("pyresolve-emails-").FullName;
        var settings = new Dictionary<string, string?>(TestMigrators.Settings)
        {
            ["PyResolve:EmailFolder"] = emails, ["PYRESOLVE_LEASE_KEY"] = leaseKey, ["PYRESOLVE_SIGNUP"] = isSignUpOpen ? "open" : "closed",
        };
        var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: settings);
        return new(own.Server, own, emails);
    }

    public override void Advance(TimeSpan amount) => Own.Clock.Jump(amount);

    public override Task SetPlanAsync(TestAccount account, string plan) => _setPlan(account, plan);

    public override Task DecideDevicesAsync(TestAccount account, bool approve = true) =>
        Own.Store.ExecuteSqlAsync(
            $"update device_codes set state = '{(approve ? "approved" : "denied")}', user_id = '{account.UserId}' where state = 'pending'");

    public override async Task<string> ReadEmailAsync(TestAccount account, string page)
    {
        string? token = null;
        await Eventually.IsTrueAsync(() => (token = Links(account.Email, page).LastOrDefault()) is not null);
        return token!;
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (_own is null)
            return;
        await _own.DisposeAsync();
        Directory.Delete(_emails!, recursive: true);
    }

    protected override HttpMessageHandler CreateHandler() =>
        new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false };

    private OwnServer Own => _own ?? throw new InvalidOperationException("Others use this server too: start one of the test's own.");

    private IEnumerable<string> Links(string email, string page) =>
        from file in Directory.GetFiles(_emails!, "*.eml").Order(StringComparer.Ordinal)
        // Quoted-printable, the part of it that occurs in links.
        let text = File.ReadAllText(file).Replace("=\r\n", "", StringComparison.Ordinal).Replace("=3D", "=", StringComparison.Ordinal)
        where text.Contains($"To: {email}", StringComparison.Ordinal) || text.Contains($"<{email}>", StringComparison.Ordinal)
        let link = Link().Match(text)
        where link.Success && link.Groups["page"].Value == page
        select link.Groups["token"].Value;

    [GeneratedRegex(@"https?://\S+/(?<page>[a-z-]+)\?token=(?<token>[\w-]+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Link();
}
