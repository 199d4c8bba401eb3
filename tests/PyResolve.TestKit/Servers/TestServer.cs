using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using PyResolve.Server;
using PyResolve.Server.Storage;

namespace PyResolve.TestKit;

/// <summary>
/// The real server inside the test's process, on a loopback port, with a clock that the test moves. Everything but the clock is the same
/// as in production. Thread-safe.
/// </summary>
public sealed class TestServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly TestStore _store;

    private TestServer(WebApplication app, TestStore store, TestClock clock)
    {
        _app = app;
        _store = store;
        Clock = clock;
        Address = new Uri(app.Urls.Single());
        Http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, UseProxy = false })
        {
            BaseAddress = Address,
        };
    }

    public TestClock Clock { get; }

    public Uri Address { get; }

    /// <summary>Sends no credentials of its own.</summary>
    public HttpClient Http { get; }

    /// <summary>Calls without a credential.</summary>
    public Caller Anonymous => new(Http);

    public IServiceProvider Services => _app.Services;

    /// <summary>A service that works in the background, for a test that has it work at once.</summary>
    public T Background<T>()
        where T : IHostedService => Services.GetServices<IHostedService>().OfType<T>().Single();

    /// <summary>Calls with an API key.</summary>
    public Caller WithKey(string apiKey) => new(Http, "X-API-Key", apiKey);

    /// <summary>Starts a server, which brings the store's schema up to date.</summary>
    /// <param name="store">Several servers may share one.</param>
    /// <param name="settings">Configuration on top of the store's, such as <c>PYRESOLVE_SIGNUP</c>.</param>
    /// <param name="clock">Default: a new clock.</param>
    /// <param name="replace">Replaces services at the edge of the process, such as another company's API.</param>
    public static async Task<TestServer> StartAsync(
        TestStore store,
        IReadOnlyDictionary<string, string?>? settings = null,
        TestClock? clock = null,
        Action<IServiceCollection>? replace = null)
    {
        clock ??= new TestClock();
        // The environment must be set before any other configuration is read.
        string[] args = settings?.GetValueOrDefault("environment") is { } environment ? ["--environment", environment] : [];
        var builder = ServerApp.CreateBuilder(args);
        builder.Configuration.AddInMemoryCollection(Settings(store, settings));
        var app = ServerApp.Build(builder, built =>
        {
            built.Services.Replace(ServiceDescriptor.Singleton<TimeProvider>(clock));
            if (store.Engine is StorageEngine.Citus)
                built.Services.Replace(ServiceDescriptor.Singleton(_ => new Database(CreateCitusEngine(store))));
            // Some tests start several servers on one embedded database.
            foreach (var folderLock in built.Services.Where(service => service.ImplementationType == typeof(DataFolderLock)).ToList())
                built.Services.Remove(folderLock);
            replace?.Invoke(built.Services);
        });
        await app.StartAsync();
        return new TestServer(app, store, clock);
    }

    /// <summary>Runs SQL by hand, as an operator would.</summary>
    public async Task<int> ExecuteSqlAsync(string sql) => await _store.ExecuteSqlAsync(sql);

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _app.DisposeAsync();
    }

    private static CitusEngine CreateCitusEngine(TestStore store) =>
        new(new PostgresEngine(DatabaseUrl.ToConnectionString(store.Settings["DATABASE_URL"]!))) { Observer = LedgerStatements.Check };

    private static Dictionary<string, string?> Settings(TestStore store, IReadOnlyDictionary<string, string?>? settings)
    {
        var all = new Dictionary<string, string?>(store.Settings)
        {
            ["urls"] = "http://127.0.0.1:0",
            // The minimum that the server accepts, because these tests sign up hundreds of accounts.
            ["PyResolve:PasswordIterations"] = "1000",
            // All of them also come from one address.
            ["PyResolve:SignUpsPerHour"] = "1000000",
            ["PyResolve:LogInFailuresPerAddress"] = "1000000",
            // For each category of appsettings.json, because the level of a category takes precedence over the default.
            ["Logging:LogLevel:Default"] = "Error",
            ["Logging:LogLevel:Microsoft.AspNetCore"] = "Error",
            ["Logging:LogLevel:Microsoft.Hosting.Lifetime"] = "Error",
        };
        foreach (var (name, value) in settings ?? new Dictionary<string, string?>())
            all[name] = value;
        return all;
    }
}
