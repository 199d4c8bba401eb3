using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Http;

namespace PyResolve.Server.Migrations;

internal static class MigrationEndpoints
{
    private const string EventStream = "text/event-stream";

    private static readonly TimeSpan EventInterval = TimeSpan.FromMilliseconds(250);

    public static IServiceCollection AddMigrations(this IServiceCollection services) => services
        .AddSingleton<MigrationOptions>()
        .AddSingleton<MigrationSlots>()
        .AddSingleton<MigratorSandbox>()
        .AddSingleton<MigratorLauncher>()
        .AddSingleton<MigratorRunner>()
        .AddSingleton<RemoteMigrations>()
        .AddSingleton<RunFolders>()
        .AddHostedService(static provider => provider.GetRequiredService<RunFolders>())
        .AddHostedService(static provider => provider.GetRequiredService<RemoteMigrations>());

    public static void MapMigrations(this IEndpointRouteBuilder routes)
    {
        var migrations = routes.MapGroup("/migrate").WithTags("Migrations").RequireScope(Scopes.Migrate);
        migrations.MapPost("", Start);
        migrations.MapGet("/{id:guid}", Read);
        migrations.MapDelete("/{id:guid}", Cancel);
    }

    private static async Task<Results<JsonAnswer<RemoteMigration>, AcceptedMigration, ProblemResult>> Start(
        HttpContext http, MigrationInput input, RemoteMigrations migrations)
    {
        var outcome = await migrations.StartAsync(input, http.Caller(), IdempotencyKey.Read(http), http.RequestAborted);
        if (outcome.Value is not { } run)
            return outcome.Problem!;
        if (PrefersAsync(http))
            return new AcceptedMigration(run.Describe());
        // A caller who waits and goes away has no use for it any more.
        await using var abandoned = http.RequestAborted.Register(run.Cancel);
        var end = await run.End;
        return end.Problem is { } problem ? problem : Answers.Ok(end.Answer);
    }

    private static async Task<Results<JsonAnswer<RemoteMigration>, ProblemResult, EmptyHttpResult>> Read(
        Guid id, HttpContext http, RemoteMigrations migrations)
    {
        if (migrations.Find(id, http.Caller().UserId) is not { } run)
            return NotFound();
        if (!http.Request.Headers.Accept.ToString().Contains(EventStream, StringComparison.OrdinalIgnoreCase))
            return Answers.Ok(run.Describe());
        await StreamAsync(http, run);
        return TypedResults.Empty;
    }

    private static async Task<Results<JsonAnswer<RemoteMigration>, ProblemResult>> Cancel(
        Guid id, HttpContext http, RemoteMigrations migrations)
    {
        if (migrations.Find(id, http.Caller().UserId) is not { } run)
            return NotFound();
        run.Cancel();
        return Answers.Ok((await run.End).Answer);
    }

    /// <summary>Streams an event for each change of the progress, then one with the whole answer.</summary>
    private static async Task StreamAsync(HttpContext http, MigrationRun run)
    {
        http.Response.ContentType = EventStream;
        RemoteMigrationProgress? told = null;
        while (run.EndedAt is null)
        {
            if (run.Report.Progress is { } progress && progress != told)
            {
                told = progress;
                var json = JsonSerializer.Serialize(progress, WireJson.Default.RemoteMigrationProgress);
                await WriteAsync(http, "progress", json);
            }

            await Task.WhenAny(run.End, Task.Delay(EventInterval, http.RequestAborted));
            http.RequestAborted.ThrowIfCancellationRequested();
        }

        var end = await run.End;
        await WriteAsync(http, end.Answer.State, JsonSerializer.Serialize(end.Answer, WireJson.Default.RemoteMigration));
    }

    private static async Task WriteAsync(HttpContext http, string name, string json)
    {
        await http.Response.WriteAsync($"event: {name}\ndata: {json}\n\n", http.RequestAborted);
        await http.Response.Body.FlushAsync(http.RequestAborted);
    }

    private static bool PrefersAsync(HttpContext http) => http.Request.Headers["Prefer"]
        .SelectMany(static value => (value ?? "").Split(',', StringSplitOptions.TrimEntries))
        .Contains("respond-async", StringComparer.OrdinalIgnoreCase);

    private static ProblemResult NotFound() =>
        new(Problems.NotFound(ProblemTexts.MigrationNotFound));
}
