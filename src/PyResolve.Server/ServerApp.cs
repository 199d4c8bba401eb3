using System.Text.Json.Serialization;
using Microsoft.AspNetCore.HostFiltering;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Configuration.Memory;
using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Accounts;
using PyResolve.Server.Audit;
using PyResolve.Server.Backups;
using PyResolve.Server.Billing;
using PyResolve.Server.Devices;
using PyResolve.Server.Doctor;
using PyResolve.Server.Email;
using PyResolve.Server.Hosting;
using PyResolve.Server.Http;
using PyResolve.Server.Identity;
using PyResolve.Server.Imports;
using PyResolve.Server.Keys;
using PyResolve.Server.Leases;
using PyResolve.Server.Migrations;
using PyResolve.Server.Operators;
using PyResolve.Server.Pages;
using PyResolve.Server.Quota;
using PyResolve.Server.SecondFactor;
using PyResolve.Server.Site;
using PyResolve.Server.Statistics;
using PyResolve.Server.Storage;
using PyResolve.Server.Telemetry;
using PyResolve.Server.Usage;

namespace PyResolve.Server;

internal static class ServerApp
{
    /// <summary>How much of a body Kestrel reads before it cuts the connection. Each route's own limit is far below.</summary>
    private const long MaxBodySize = 64 * 1024 * 1024;

    /// <summary>The levels of appsettings.json, which the archive's program does without.</summary>
    private static readonly Dictionary<string, string?> DefaultLevels = new()
    {
        ["Logging:LogLevel:Default"] = "Information",
        ["Logging:LogLevel:Microsoft.AspNetCore"] = "Warning",
        ["Logging:LogLevel:Microsoft.Hosting.Lifetime"] = "Information",
    };

    public static WebApplicationBuilder CreateBuilder(string[] settings)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions
        {
            Args = settings,
            // appsettings.json is beside the program, which may be started from any folder.
            ContentRootPath = AppContext.BaseDirectory,
        });
        if (!File.Exists(Path.Combine(AppContext.BaseDirectory, "appsettings.json")))
            builder.Configuration.Sources.Insert(0, new MemoryConfigurationSource { InitialData = DefaultLevels });
        return builder;
    }

    /// <summary>Builds the server without starting it, as the operator's commands and tests need it.</summary>
    public static WebApplication Build(WebApplicationBuilder builder, Action<WebApplicationBuilder>? configure = null)
    {
        builder.AddPyResolve();
        configure?.Invoke(builder);
        var app = builder.Build();
        app.UsePyResolve();
        app.MapPyResolve();
        return app;
    }

    public static void AddPyResolve(this WebApplicationBuilder builder)
    {
        var (services, configuration, environment) = (builder.Services, builder.Configuration, builder.Environment);
        builder.WebHost.UseListeningAddress(configuration);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = MaxBodySize;
            kestrel.AddServerHeader = false;
        });
        builder.Logging.AddConsoleLog(configuration);
        // A start that fails ends with one line on standard error; the host would log it a second time, with a stack trace.
        var hasStarted = new StartedFlag();
        services.AddSingleton(hasStarted);
        builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", level => hasStarted.Value && level >= LogLevel.Warning);

        var options = ServerOptions.Read(configuration, environment);
        services.AddSingleton(options);
        services.AddSingleton(ProductOptions.Read(configuration));
        var telemetry = services.AddTelemetry(configuration);
        services.AddStorage(options);
        services.AddBackups();
        services.AddImports();
        services.AddSingleton<PublicUrl>();
        services.AddSingleton<SecurityLog>();
        services.AddHostedService<SettingsReview>();
        services.AddSingleton<Draining>();
        services.AddHostedService(static provider => provider.GetRequiredService<Draining>());
        services.Configure<HostOptions>(host => host.ShutdownTimeout += options.Drain);
        services.AddAudit();
        services.AddTrustedProxies(configuration);
        services.AddEmail(configuration, environment, options);
        services.AddSecondFactors(configuration, options);
        services.AddAccounts(configuration);
        services.AddExternalIdentity(configuration, options);
        services.AddApiKeys(options);
        services.AddQuota(configuration);
        services.AddLeases(configuration, options);
        services.AddUsage(options);
        services.AddStatistics();
        services.AddMigrations();
        services.AddBilling(configuration);
        services.Configure<HostFilteringOptions>(filtering => filtering.IncludeFailureMessage = false);
        services.AddDeviceLogin();
        services.AddPages();
        services.AddSite();
        services.AddOperators(telemetry);
        services.AddDoctor();
        services.AddOpenApiDocument();
        services.ConfigureHttpJsonOptions(json =>
        {
            WireJson.ApplyTo(json.SerializerOptions);
            // The OpenAPI document would say that numbers may be strings. Bodies are read without these options.
            json.SerializerOptions.NumberHandling = JsonNumberHandling.Strict;
        });
        services.AddCors(cors => cors.AddDefaultPolicy(policy => policy
            .WithOrigins([.. options.CorsOrigins])
            .AllowAnyMethod()
            .AllowAnyHeader()
            .WithExposedHeaders("X-Request-Id", "Retry-After", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")));
    }

    public static void UsePyResolve(this WebApplication app)
    {
        var hasStarted = app.Services.GetRequiredService<StartedFlag>();
        app.Lifetime.ApplicationStarted.Register(() => hasStarted.Value = true);
        // Wrong settings of an issuer end the start, rather than the first request with a token.
        _ = app.Services.GetRequiredService<TrustedIssuers>();
        _ = app.Services.GetRequiredService<SignInClients>();
        UnreadableRequests.UseOn(app);
        RequestIds.Use(app);
        app.UseTrustedProxies();
        RequestLog.Use(app);
        app.UseHeadRequests();
        app.UseCommonHeaders();
        app.UseMiddleware<ProblemMiddleware>();
        app.UseRouting();
        app.UseCors();
        app.UseMiddleware<AccessMiddleware>();
    }

    public static void MapPyResolve(this WebApplication app)
    {
        app.MapService();
        app.MapAccounts();
        app.MapApiKeys();
        app.MapDeviceLogin();
        app.MapEmailLinkPages();
        app.MapSignInPages();
        app.MapExternalSignIn();
        app.MapSite();
        app.MapOperatorPages();
        app.MapPageAssets();
        app.MapQuota();
        app.MapLeaseKeys();
        app.MapUsage();
        app.MapStatistics();
        app.MapMigrations();
        app.MapBilling();
        app.MapAudit();
        app.MapOpenApi("/openapi/v1.json");
    }

    private sealed class StartedFlag
    {
        public volatile bool Value;
    }
}
