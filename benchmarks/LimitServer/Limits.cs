using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using Npgsql;
using PyResolve.Client.Wire;
using PyResolve.Server;
using PyResolve.Server.Access;
using PyResolve.Server.Hosting;
using PyResolve.Server.Keys;

namespace PyResolve.LimitServer;

/// <summary>Servers that do one thing each, at the least cost: <c>GET /limit</c>.</summary>
internal static class Limits
{
    private const string Route = "/limit";

    /// <summary>A constant.</summary>
    public static WebApplication BuildBare(WebApplicationBuilder builder)
    {
        var app = builder.Build();
        app.MapGet(Route, Answer);
        return app;
    }

    /// <summary>A constant, from the product's own host with all that works in its background.</summary>
    public static WebApplication BuildHosted(WebApplicationBuilder builder)
    {
        var app = BuildHost(builder);
        app.MapGet(Route, Answer);
        return app;
    }

    /// <summary>The same, for callers whose key the product's own middleware found good.</summary>
    public static WebApplication BuildChecked(WebApplicationBuilder builder)
    {
        var app = BuildHost(builder);
        app.UseMiddleware<AccessMiddleware>();
        app.MapGet(Route, Answer).RequireCaller();
        app.MapGet("/memory", ReadMemory);
        return app;
    }

    /// <summary>One prepared single-row SELECT a request.</summary>
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
            // Once a connection: what is prepared already goes without a round trip.
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

    /// <summary>What is alive in managed memory, in bytes, and how many keys are remembered.</summary>
    private static string ReadMemory(VerifiedKeys keys)
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        return string.Create(CultureInfo.InvariantCulture, $"{GC.GetTotalMemory(forceFullCollection: true)} {keys.Count}");
    }
}
