namespace PyResolve.Server.Tests.Identity;

/// <summary>A server whose pages have a button for an issuer, on one clock with it.</summary>
internal sealed class SignInScene(TestIssuer issuer, OwnServer own, Dictionary<string, string?> settings) : IAsyncDisposable
{
    public TestIssuer Issuer => issuer;

    public OwnServer Own => own;

    public Dictionary<string, string?> Settings => settings;

    public static async Task<SignInScene> StartAsync(
        StorageEngine engine, SharedServers servers, Func<TestIssuer, Dictionary<string, string?>>? changes = null)
    {
        var clock = new TestClock();
        var issuer = await TestIssuer.StartAsync(clock);
        var settings = new Dictionary<string, string?>(issuer.SignInSettings)
        {
            // 32 bytes.
            ["PYRESOLVE_ENCRYPTION_KEY"] = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
        };
        foreach (var (name, value) in changes?.Invoke(issuer) ?? [])
            settings[name] = value;
        return new SignInScene(issuer, await OwnServer.StartAsync(engine, servers.Postgres, settings: settings, clock: clock), settings);
    }

    /// <summary>As if this person of the issuer had come before.</summary>
    public Task LinkAsync(string subject, string email) => LinkAsync(issuer.Url, subject, email);

    public Task LinkAsync(string name, string subject, string email) => own.Store.ExecuteSqlAsync(
        $"""
        insert into identities (issuer, subject, user_id, created_at)
        select '{name}', '{subject}', id, created_at from profiles where email = '{email}'
        """);

    public string PathOf(Answer answer, string from = "/sign-in/with/example-login/callback") =>
        new Uri(new Uri(own.Server.Address, from), answer.Headers.Location!).AbsolutePath;

    public async ValueTask DisposeAsync()
    {
        await own.DisposeAsync();
        await issuer.DisposeAsync();
    }
}
