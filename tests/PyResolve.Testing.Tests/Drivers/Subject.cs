namespace PyResolve.Testing.Tests.Drivers;

/// <summary>
/// A server that is tested through the client and by raw requests. Its time is 2026-11-15T12:00:00Z until a test moves its clock.
/// </summary>
public abstract class Subject : IAsyncDisposable
{
    private readonly string _home = Directory.CreateTempSubdirectory("pyresolve-conformance-").FullName;

    /// <summary>Sends no credentials.</summary>
    public abstract HttpClient Http { get; }

    /// <summary>The server's address, with a slash at the end.</summary>
    public abstract Uri Address { get; }

    public abstract TimeProvider Clock { get; }

    public Caller Anonymous => new(Http);

    /// <summary>Moves the clock. Only for a server that the test does not share.</summary>
    public abstract void Advance(TimeSpan amount);

    public abstract Task SetPlanAsync(TestAccount account, string plan);

    /// <summary>Approves or denies every pending device login. Only for a server that the test does not share.</summary>
    public abstract Task DecideDevicesAsync(TestAccount account, bool approve = true);

    /// <summary>The token in the last email to an account. Only for a server that the test does not share.</summary>
    /// <param name="account">The recipient.</param>
    /// <param name="page"><c>reset-password</c> or <c>verify-email</c>.</param>
    public abstract Task<string> ReadEmailAsync(TestAccount account, string page);

    public Task<TestAccount> SignUpAsync() => TestAccount.SignUpAsync(Http);

    /// <summary>A client with an account's key, or without a key.</summary>
    /// <param name="account">Default: no key.</param>
    /// <param name="network">A handler between the client and the server.</param>
    public PyResolveClient Client(TestAccount? account = null, DelegatingHandler? network = null) =>
        ClientWithKey(account?.ApiKey, network);

    public PyResolveClient ClientWithKey(string? apiKey, DelegatingHandler? network = null)
    {
        HttpMessageHandler handler = new ServerTime(Clock) { InnerHandler = CreateHandler() };
        if (network is not null)
        {
            network.InnerHandler = handler;
            handler = network;
        }

        var options = new PyResolveClientOptions
        {
            ApiUrl = Address, ApiKey = apiKey, Home = _home, RequestTimeout = TimeSpan.FromMinutes(1),
            ShutdownTimeout = TimeSpan.FromSeconds(1),
        };
        return new(new HttpClient(handler), options, new WallClock(Clock));
    }

    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        Directory.Delete(_home, recursive: true);
        return ValueTask.CompletedTask;
    }

    protected abstract HttpMessageHandler CreateHandler();

    /// <summary>The client's clock: the server's time, with real timers.</summary>
    private sealed class WallClock(TimeProvider server) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => server.GetUtcNow();
    }

    /// <summary>Kestrel sends the machine's time, not that of the server's clock.</summary>
    private sealed class ServerTime(TimeProvider clock) : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var response = await base.SendAsync(request, cancellationToken);
            response.Headers.Date = clock.GetUtcNow();
            return response;
        }
    }
}
