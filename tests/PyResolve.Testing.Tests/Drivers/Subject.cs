namespace PyResolve.Testing.Tests.Drivers;

/// <summary>A server that is tested through the client, and by raw requests. It is 2026-11-15T12:00:00Z there until a test moves its clock.</summary>
public abstract class Subject : IAsyncDisposable
{
    private readonly string _home = Directory.CreateTempSubdirectory("pyresolve-conformance-").FullName;

    /// <summary>Sends no credentials of its own.</summary>
    public abstract HttpClient Http { get; }

    /// <summary>The server's address, with a slash at its end.</summary>
    public abstract Uri Address { get; }

    public abstract TimeProvider Clock { get; }

    public Caller Nobody => new(Http);

    /// <summary>Moves the clock, of a server of the test's own.</summary>
    public abstract void Advance(TimeSpan amount);

    public abstract Task SetPlanAsync(TestAccount account, string plan);

    /// <summary>Approves, or denies, every device login that waits, of a server of the test's own.</summary>
    public abstract Task DecideDevicesAsync(TestAccount account, bool approve = true);

    /// <summary>The secret in the last email to an account of a server of the test's own.</summary>
    /// <param name="account">Whose.</param>
    /// <param name="page"><c>reset-password</c> or <c>verify-email</c>.</param>
    public abstract Task<string> ReadEmailAsync(TestAccount account, string page);

    public Task<TestAccount> SignUpAsync() => TestAccount.SignUpAsync(Http);

    /// <summary>A client of an account, or of nobody.</summary>
    /// <param name="account">Default: no key.</param>
    /// <param name="network">What lies between the client and the server; default nothing.</param>
    public PyResolveClient Client(TestAccount? account = null, DelegatingHandler? network = null) => ClientWithKey(account?.ApiKey, network);

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
            ApiUrl = Address, ApiKey = apiKey, Home = _home, RequestTimeout = TimeSpan.FromMinutes(1), ShutdownTimeout = TimeSpan.FromSeconds(1),
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

    /// <summary>The machine of a client whose clock is right, and whose timers run as ever.</summary>
    private sealed class WallClock(TimeProvider server) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => server.GetUtcNow();
    }

    /// <summary>Kestrel tells the machine's time, whatever clock a test has given the server.</summary>
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
