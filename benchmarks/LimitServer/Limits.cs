using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;
using PyResolve.Client.Wire;
using PyResolve.Server;
using PyResolve.Server.Access;
using PyResolve.Server.Hosting;
using PyResolve.Server.Keys;

namespace PyResolve.LimitServer;

/// <summary>Servers that do one thing each, at the lowest cost: <c>GET /limit</c>.</summary>
internal static class Limits
{
    private const string Route = "/limit";

    /// <summary>Returns a constant.</summary>
    public static WebApplication BuildBare(WebApplicationBuilder builder)
    {
        var app = builder.Build();
        app.MapGet(Route, Answer);
        return app;
    }

    /// <summary>Returns a constant, on the product's own host with its background work.</summary>
    public static WebApplication BuildHosted(WebApplicationBuilder builder)
    {
        var app = BuildHost(builder);
        app.MapGet(Route, Answer);
        return app;
    }

    /// <summary>The same, behind the product's key check.</summary>
    public static WebApplication BuildChecked(WebApplicationBuilder builder)
    {
        var app = BuildHost(builder);
        app.UseMiddleware<AccessMiddleware>();
        app.MapGet(Route, Answer).RequireCaller();
        app.MapGet("/memory", ReadMemory);
        return app;
    }

    /// <summary>One prepared single-row SELECT per request.</summary>
    public static WebApplication BuildSelect(WebApplicationBuilder builder)
    {
        var source = LimitStore.Open(builder.Configuration);
        using var first = source.CreateCommand("select id from profiles limit 1");
        var account = (Guid)first.ExecuteScalar()!;
        var app = builder.Build();
        app.MapGet(Route, async (CancellationToken cancellationToken) =>
        {
            await using var connection = await source.OpenConnectionAsync(cancellationToken);
            await using var command = new NpgsqlCommand("select plan from profiles where id = $1", connection)
            {
                Parameters = { new NpgsqlParameter<Guid> { TypedValue = account } },
            };
            // Once per connection; later calls do nothing.
            await command.PrepareAsync(cancellationToken);
            return TypedResults.Ok(new HealthStatus(await command.ExecuteScalarAsync(cancellationToken) as string ?? "none"));
        });
        return app;
    }

    private static WebApplication BuildHost(WebApplicationBuilder builder)
    {
        builder.AddPyResolve();
        var app = builder.Build();
        app.UseRouting();
        return app;
    }

    private static Ok<HealthStatus> Answer() => TypedResults.Ok(new HealthStatus("healthy"));

    /// <summary>The live managed memory in bytes, and the number of cached keys.</summary>
    private static string ReadMemory(VerifiedKeyCache keys)
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        return string.Create(CultureInfo.InvariantCulture, $"{GC.GetTotalMemory(forceFullCollection: true)} {keys.Count}");
    }
}
