using Microsoft.AspNetCore.HostFiltering;
using Microsoft.AspNetCore.Http.Features;
using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Accounts;
using PyResolve.Server.Audit;
using PyResolve.Server.Billing;
using PyResolve.Server.Pages;
using PyResolve.Server.Devices;
using PyResolve.Server.Email;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;
using PyResolve.Server.Identity;
using PyResolve.Server.Keys;
using PyResolve.Server.Leases;
using PyResolve.Server.Quota;
using PyResolve.Server.Statistics;
using PyResolve.Server.Storage;
using PyResolve.Server.Usage;

namespace PyResolve.Server;

/// <summary>Puts the server together.</summary>
internal static class ServerApp
{
    /// <summary>What Kestrel still reads from a client before it cuts the connection. What a route takes is far less: <see cref="JsonBody"/>.</summary>
    private const long LargestBody = 64 * 1024 * 1024;

    /// <summary>Reads the configuration, and nothing else yet.</summary>
    /// <param name="args">ASP.NET Core's configuration switches.</param>
    public static WebApplicationBuilder CreateBuilder(string[] args) => WebApplication.CreateSlimBuilder(new WebApplicationOptions
    {
        Args = args,
        // appsettings.json lies beside the program, which may be started from any folder.
        ContentRootPath = AppContext.BaseDirectory,
    });

    /// <param name="args">ASP.NET Core's configuration switches.</param>
    /// <param name="configure">Replaces parts at the edge of the process, such as the clock, in tests.</param>
    /// <param name="settings">Configuration that goes before all other.</param>
    /// <exception cref="InvalidConfigurationException">The configuration cannot work.</exception>
    public static WebApplication Build(
        string[] args, Action<WebApplicationBuilder>? configure = null, IEnumerable<KeyValuePair<string, string?>>? settings = null)
    {
        var builder = CreateBuilder(args);
        if (settings is not null)
            builder.Configuration.AddInMemoryCollection(settings);
        return Build(builder, configure);
    }

    /// <inheritdoc cref="Build(string[], Action{WebApplicationBuilder}?, IEnumerable{KeyValuePair{string, string?}}?)"/>
    public static WebApplication Build(WebApplicationBuilder builder, Action<WebApplicationBuilder>? configure)
    {
        builder.WebHost.UseListeningAddress(builder.Configuration);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = LargestBody;
            kestrel.AddServerHeader = false;
        });
        builder.Logging.AddSimpleConsole(console => console.SingleLine = true);
        // A start that fails is told in one line by whoever asked for it; the host would add a stack trace.
        var hasStarted = false;
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", level => hasStarted && level >= LogLevel.Warning);
        builder.Services.AddPyResolve(builder.Configuration, builder.Environment);
        configure?.Invoke(builder);

        var app = builder.Build();
        app.Lifetime.ApplicationStarted.Register(() => hasStarted = true);
        app.UsePyResolve();
        app.MapPyResolve();
        // What is wrong with an issuer's settings is said now, not by the first token.
        _ = app.Services.GetRequiredService<TrustedIssuers>();
        return app;
    }

    public static void AddPyResolve(this IServiceCollection services, IConfiguration configuration, IHostEnvironment environment)
    {
        var options = ServerOptions.Read(configuration, environment);
        services.AddSingleton(options);
        services.AddSingleton(TimeProvider.System);
        services.AddStorage();
        services.AddHostedService<SchemaStartup>();
        services.AddSingleton<PublicUrl>();
        services.AddSingleton<AuditLog>();
        services.AddTrustedProxies(configuration);
        services.AddEmail(configuration, environment, options);
        services.AddAccounts(configuration);
        services.AddExternalIdentity(configuration);
        services.AddApiKeys(options);
        services.AddQuota(configuration);
        services.AddLeases(configuration, options);
        services.AddUsage(options);
        services.AddStatistics();
        services.AddBilling(configuration);
        services.Configure<HostFilteringOptions>(filtering => filtering.IncludeFailureMessage = false);
        services.AddDeviceLogin();
        services.AddPages();
        services.AddOpenApiDocument();
        services.ConfigureHttpJsonOptions(json => WireJson.ApplyTo(json.SerializerOptions));
        services.AddCors(cors => cors.AddDefaultPolicy(policy => policy
            .WithOrigins([.. options.CorsOrigins])
            .AllowAnyMethod()
            .AllowAnyHeader()
            .WithExposedHeaders("X-Request-Id", "Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")));
    }

    private static void UsePyResolve(this WebApplication app)
    {
        app.UseForwardedHeaders();
        app.UseMiddleware<ProblemMiddleware>();
        app.UseRouting();
        app.UseCors();
        app.UseMiddleware<AccessMiddleware>();
    }

    private static void MapPyResolve(this WebApplication app)
    {
        app.MapService();
        app.MapAccounts();
        app.MapApiKeys();
        app.MapDeviceLogin();
        app.MapLetterPages();
        app.MapPageAssets();
        app.MapQuota();
        app.MapLeaseKeys();
        app.MapUsage();
        app.MapStatistics();
        app.MapBilling();
        app.MapAudit();
        app.MapOpenApi("/openapi/v1.json");
    }
}
